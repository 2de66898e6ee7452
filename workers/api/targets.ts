import { dialledAddress } from "../../durable-objects/shared/dialled-address.ts";
import { type Address, addressOf } from "../../lib/location/address.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { chooseRoute } from "../../lib/routing/route.ts";
import { chooseTrunk } from "../../lib/routing/trunk.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { dialledNumber, parseUri } from "../../lib/syntax/uri.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { Problem } from "./problem.ts";
import { nameOf } from "../../platform/directory/store.ts";

/**
 * Refuses an address to which a subscriber's calls cannot be forwarded: the subscriber's own, because such a call would loop, and one of
 * our domains that has no user, trunk or route.
 * @param member the name of the address in the request
 * @param uri the SIP, SIPS or TEL URI of a user
 */
export async function refuseVainTarget(environment: Environment, subscriber: Subscriber, member: string, uri: string): Promise<void> {
  const named = targetOf(environment, uri, subscriber.domain);
  if (named === undefined) return;
  const target = await dialledAddress({ find: (user, domain) => directoryOf(environment).fresh(user, domain) }, named);
  if (isFault(target)) throw new Problem(400, `${member}: ${target.fault}`);
  const { user, domain } = target;
  const answer = await directoryOf(environment).fresh(user, domain);
  if (answer.kind === "foreign") return;
  if (answer.kind === "subscriber") {
    const { username, domain: served } = answer.subscriber;
    if (username === subscriber.username && served === subscriber.domain)
      throw new Problem(400, `${member}: ${nameOf(user)} is this user: the call would loop`);
    return;
  }
  const caller = `${subscriber.username}@${subscriber.domain}`;
  const routes = await directoryOf(environment).routes(subscriber.domain);
  const isRouted = chooseRoute(routes, { method: "INVITE", user, domain, caller }).outcome !== undefined;
  if (isRouted || chooseTrunk(await directoryOf(environment).trunks(domain), user) !== undefined) return;
  throw new Problem(400, `${member}: there is no user ${nameOf(user)} in ${domain}, and no trunk or route for it`);
}

/** The user of an address; undefined for a GRUU, which names one phone and may be the subscriber's own. */
function targetOf(environment: Environment, text: string, domain: string): Address | undefined {
  const uri = parseUri(text);
  if (isFault(uri) || uri.kind === "other") return undefined;
  if (uri.kind === "tel") return { user: dialledNumber(uri), domain, instance: undefined, registration: undefined };
  const keyring = keyringFor(environment);
  const address = keyring === undefined ? undefined : addressOf(keyring, uri);
  return address === undefined || address.instance !== undefined ? undefined : address;
}
