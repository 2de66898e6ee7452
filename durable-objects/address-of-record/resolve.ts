import type { Address } from "../../lib/location/address.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { hopName } from "../../lib/routing/hop-name.ts";
import { locate } from "../../lib/routing/locate.ts";
import { allows, isPublicAddress } from "../../lib/routing/network.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { SipUri } from "../../lib/syntax/uri.ts";
import { DirectoryUnavailable, homeName } from "../../workers/directory.ts";
import type { Room } from "../room/room.ts";

export interface Resolved {
  readonly home: string;
  /** The row of a user who has never registered but whose rules send calls on: his home does not know it yet. */
  readonly introduces?: Subscriber;
  /** Callers are told where he is, and not put through. */
  readonly redirects: boolean;
}

/** The home that answers for an address, by the directory: RFC 3261 §16.5, and 404 or 480 where nobody would answer. */
export async function homeOf({ directory }: Room, { user, domain }: Address): Promise<Resolved | Fault> {
  try {
    const answer = await directory.find(user, domain);
    if (answer.kind === "foreign") return fault(403, "requests are not relayed to other domains");
    if (answer.kind === "unknown") return fault(404, "there is no such user");
    const { subscriber } = answer;
    const home = homeName(subscriber);
    const { redirects } = answer.settings;
    if (subscriber.opened) return { home, redirects };
    const { always, notRegistered } = subscriber.rules.forward;
    if ((always ?? notRegistered) === undefined) return fault(480, "no phone of this user has registered");
    await directory.markOpened(subscriber);
    return { home, redirects, introduces: subscriber };
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return fault(503, "the directory cannot be reached", [["Retry-After", "5"]]);
  }
}

/** Whether this home's user may call other domains. */
export async function mayCallOut({ directory, home }: Room): Promise<boolean> {
  const answer = await directory.find(home.user, home.domain);
  return answer.kind !== "foreign" && answer.settings.callsOut;
}

/** The servers of another domain (RFC 3263), best first, as the names of the objects that hold the connections to them. */
export async function hopsOf({ resolver, configuration }: Room, uri: SipUri): Promise<readonly string[] | Fault> {
  const chance = (choices: number) => Math.floor(Math.random() * choices);
  const located = await resolver.settle((known) => locate(uri, known, { transports: ["tls", "tcp"], chance }));
  if (isFault(located)) return located;
  const allowed = located.hops.filter(({ address }) => isPublicAddress(address) || allows(configuration.allowedNetworks, address));
  return allowed.length > 0 ? allowed.map(hopName) : fault(403, "the server is in a network that calls may not leave to");
}
