import type { Subscriber } from "../../lib/location/subscriber.ts";
import { directoryOf } from "../directory/directory.ts";
import { DirectoryRefusal } from "../directory/errors.ts";
import { Store, nameOf } from "../directory/store.ts";
import type { Environment } from "../environment.ts";
import type { VerifiedToken } from "./token-verifier.ts";

/** The user whom a verified token names; made now if the issuer may do that. Undefined if there is no such user. */
export async function userOfToken(environment: Environment, token: VerifiedToken, now: number): Promise<Subscriber | undefined> {
  const { user, domain, issuer } = token;
  const directory = directoryOf(environment);
  const answer = await directory.find(user, domain);
  if (answer.kind === "subscriber") return answer.subscriber.username === user ? answer.subscriber : undefined;
  if (answer.kind === "foreign" || !issuer.createsUsers) return undefined;
  try {
    const change = { password: null, ha1: undefined, aliases: undefined, displayName: undefined };
    await new Store(environment.DIRECTORY).putSubscriber(domain, nameOf(user), change, now);
  } catch (error) {
    // The name is another user's alias, or another request was faster.
    if (!(error instanceof DirectoryRefusal)) throw error;
  }
  const made = await directory.fresh(user, domain);
  return made.kind === "subscriber" && made.subscriber.username === user ? made.subscriber : undefined;
}
