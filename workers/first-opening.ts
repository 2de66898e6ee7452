import type { Subscriber } from "../lib/location/subscriber.ts";
import { directoryOf, homeName } from "../platform/directory/directory.ts";
import type { Environment } from "../platform/environment.ts";

/**
 * Marks the home of a user as open before its first flow. From then on it is told of changes; those that happened until then are read here.
 * @param isValid whether the credentials that were verified are still those of this row
 * @returns the newest row; undefined if the credentials do not count any more
 */
export async function firstOpening(
  environment: Environment,
  subscriber: Subscriber,
  isValid: (newest: Subscriber) => boolean,
): Promise<Subscriber | undefined> {
  if (subscriber.opened) return subscriber;
  const directory = directoryOf(environment);
  await directory.markOpened(subscriber);
  const answer = await directory.fresh(subscriber.username, subscriber.domain);
  if (answer.kind !== "subscriber" || homeName(answer.subscriber) !== homeName(subscriber)) return undefined;
  return isValid(answer.subscriber) ? { ...answer.subscriber, opened: true } : undefined;
}
