import { awayFrom } from "../../lib/redirect/redirection.ts";
import { toOctets } from "../../lib/syntax/octets.ts";
import type { Address } from "../../lib/location/address.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { type RouteQuestion, chooseRoute } from "../../lib/routing/route.ts";
import { type Trunk, chooseTrunk, uriAtTrunk } from "../../lib/routing/trunk.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { Destination } from "../../lib/transport/envelope.ts";
import { type Directory, homeName } from "../../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";

/** Whose home asks, and the directory that answers. */
export interface Selecting {
  readonly directory: Directory;
  readonly home: { readonly user: string; readonly domain: string };
}

export interface Resolved {
  readonly home: string;
  /** The row of a user who has never registered but whose rules send calls on: his home does not know it yet. */
  readonly calleeSubscriber?: Subscriber;
  /** Callers are told where he is, and not put through. */
  readonly redirects: boolean;
}

/** The home that answers for an address, by the directory: RFC 3261 §16.5, and 404 or 480 where nobody would answer. */
export async function homeOf({ directory }: Pick<Selecting, "directory">, { user, domain }: Address): Promise<Resolved | Fault> {
  return available(async () => {
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
    return { home, redirects, calleeSubscriber: subscriber };
  });
}

/** What was asked of the directory; 503 if that cannot be reached. */
export async function available<T>(asked: () => Promise<T>): Promise<T | Fault> {
  try {
    return await asked();
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return fault(503, "the directory cannot be reached", [["Retry-After", "5"]]);
  }
}

/** Where a request goes that another server takes. */
export type External = Destination & { readonly kind: "external" };

/** Where a request of this home's user goes by the routes of our domain, or to another presence agent; else to whomever it names. */
export function placeOf(room: Selecting, method: string, requestUri: string, address: Address): Promise<Routed | Fault> {
  const caller = `${room.home.user}@${room.home.domain}`;
  return available(async () => {
    const trunk = await presenceAgentOf(room, method, address);
    if (trunk !== undefined) return { kind: "external", uri: requestUri, trunk, keepsRequestUri: true };
    return routeOf(room, { method, caller }, address);
  });
}

/**
 * The other server for a request to somebody who is none of our users: by a trunk of our domain, or of another domain if the user
 * may. Otherwise it is refused, since nobody may relay by us.
 */
export async function leavingTo(room: Selecting, requestUri: string, { user, domain }: Address, refusal: Fault): Promise<External | Fault> {
  const isOurs = refusal.status === 404 && domain === room.home.domain;
  const trunk = isOurs ? await available(() => trunkFor(room, user)) : undefined;
  if (isFault(trunk)) return trunk;
  const isForeign = refusal.status === 403 && (await available(() => mayCallOut(room)));
  if (isFault(isForeign)) return isForeign;
  if (trunk === undefined) return isForeign ? { kind: "external", uri: requestUri } : refusal;
  return { kind: "external", uri: uriAtTrunk(trunk, user), trunk: trunk.name };
}

/** Whether phones of a domain get NOTIFY outside any subscription. */
export async function takesUnsolicited({ directory }: Pick<Selecting, "directory">, domain: string): Promise<boolean> {
  const answer = await directory.find("", domain);
  return answer.kind !== "foreign" && answer.settings.takesUnsolicited === true;
}

/** Whether this home's user may call other domains. */
export async function mayCallOut({ directory, home }: Selecting): Promise<boolean> {
  const answer = await directory.find(home.user, home.domain);
  return answer.kind !== "foreign" && answer.settings.callsOut;
}

/** The trunk to the presence agent of our domain's users, if an address is one of theirs and that is another server. */
async function presenceAgentOf({ directory, home }: Selecting, method: string, { user, domain }: Address): Promise<string | undefined> {
  if ((method !== "SUBSCRIBE" && method !== "PUBLISH") || domain !== home.domain) return undefined;
  const answer = await directory.find(user, domain);
  return answer.kind === "foreign" ? undefined : answer.settings.presenceAgent;
}

/** Where a request goes by the routes of our domain. */
export type Routed =
  | { readonly kind: "address"; readonly address: Address }
  | External
  | { readonly kind: "redirect"; readonly status: number; readonly uri: string };

/** What the routes of our domain make of a request; one of a phone's GRUU they are not asked for. */
export async function routeOf(
  { directory, home }: Pick<Selecting, "directory"> & { readonly home: { readonly domain: string } },
  request: Pick<RouteQuestion, "method" | "caller">,
  address: Address,
): Promise<Routed | Fault> {
  const routes = address.instance === undefined ? await directory.routes(home.domain) : [];
  const { user, domain } = address;
  const { outcome } = routes.length === 0 ? { outcome: undefined } : chooseRoute(routes, { ...request, user, domain });
  switch (outcome?.kind) {
    case undefined:
      return { kind: "address", address };
    case "local":
      return { kind: "address", address: { ...address, user: outcome.user, domain: home.domain } };
    case "trunk": {
      const trunk = (await directory.trunks(home.domain)).find(({ name }) => name === outcome.trunk);
      if (trunk === undefined) return fault(500, "the trunk of this route is not there any more");
      return outcome.keepsDomain
        ? { kind: "external", uri: `sip:${outcome.user}@${domain}`, trunk: trunk.name, keepsRequestUri: true }
        : { kind: "external", uri: uriAtTrunk(trunk, outcome.user), trunk: trunk.name };
    }
    case "retarget":
      return { kind: "external", uri: outcome.uri, skipsCallOutCheck: true };
    case "redirect":
      // RFC 3261 §8.3.
      return awayFrom(`sip:${user}@${domain}`, [["Contact", `<${outcome.uri}>`]]).length === 0
        ? fault(404, "the route of the domain leads back to the same address")
        : outcome;
    case "reject":
      return fault(outcome.status, toOctets(outcome.reason ?? "a route of the domain refuses it"));
  }
}

/** The trunk of our domain that takes this user part, if any does. */
export async function trunkFor({ directory, home }: Selecting, user: string): Promise<Trunk | undefined> {
  return chooseTrunk(await directory.trunks(home.domain), user);
}
