import type { Subscriber } from "../../lib/location/subscriber.ts";
import { isReservedName } from "../../lib/routing/reserved-name.ts";
import { isListUser } from "../../lib/presence/resource-list.ts";
import { directoryOf } from "../directory/directory.ts";
import { nameOf } from "../directory/store.ts";
import { SubscriberImport } from "../directory/subscriber-import.ts";
import type { Environment } from "../environment.ts";
import type { VerifiedToken } from "./token-verifier.ts";

/** The user whom a verified token names; made now if the issuer may do that, unless calls to that name are meant for another. Undefined if there is no such user, or the token is revoked. */
export async function userOfToken(environment: Environment, token: VerifiedToken, now: number): Promise<Subscriber | undefined> {
  const { user, domain, issuer } = token;
  const directory = directoryOf(environment);
  // A cached answer may be of a user who was deleted, or has revoked tokens.
  const answer = await directory.fresh(user, domain);
  if (answer.kind === "subscriber") return isOf(token, answer.subscriber) ? answer.subscriber : undefined;
  if (answer.kind === "foreign" || issuer?.createsUsers !== true || isListUser(nameOf(user))) return undefined;
  if (isReservedName(user, await directory.routes(domain), await directory.trunks(domain))) return undefined;
  // It makes no user who is there already, or whose name is an alias.
  const newcomer = { line: 1, username: nameOf(user), aliases: [], displayName: null, password: undefined, ha1: undefined };
  await new SubscriberImport(environment.DIRECTORY, domain).make([newcomer], now);
  const made = await directory.fresh(user, domain);
  return made.kind === "subscriber" && isOf(token, made.subscriber) ? made.subscriber : undefined;
}

/** Whether a token is for this user, and was not revoked. */
export function isOf({ user, domain, issued, generation }: VerifiedToken, subscriber: Subscriber): boolean {
  if (subscriber.username !== user || subscriber.domain !== domain) return false;
  return issued >= (subscriber.tokensSince ?? 0) && (generation ?? subscriber.generation) === subscriber.generation;
}
