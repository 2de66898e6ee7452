import { available } from "../../platform/directory/available.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { awayFrom } from "../../lib/redirect/redirection.ts";
import { toOctets } from "../../lib/syntax/octets.ts";
import type { Address } from "../../lib/location/address.ts";
import type { Router } from "../../lib/location/router.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import type { ExternalTarget } from "../../lib/proxy/response-context/target-set.ts";
import { dialledAddress } from "./dialled-address.ts";
import { tooManyHops } from "../../lib/proxy/validate-and-route.ts";
import { numberFrom } from "../../lib/routing/number-format.ts";
import { numberReadings } from "../../lib/routing/number-readings.ts";
import { type RouteQuestion, chooseRoute } from "../../lib/routing/route.ts";
import { type Trunk, chooseTrunk, uriAtTrunk } from "../../lib/routing/trunk.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { canonicalUser, nameOfUser } from "../../lib/syntax/uri.ts";
import type { Destination } from "../../lib/transport/envelope.ts";
import { type RoutedCall, maxDialled } from "../../lib/transport/routed-call.ts";
import { routingHome } from "./routing-home.ts";
import { type Directory, homeName } from "../../platform/directory/directory.ts";

/** The asking home, the directory, and the keys by which a routing home is chosen. */
export interface Selecting {
  readonly keyring: Keyring;
  readonly directory: Directory;
  readonly home: { readonly user: string; readonly domain: string };
}

/** Where a request goes: decided here, for every sender (RFC 3261 §16.5). */
export type Target = HomeTarget | External | RedirectTarget;

/** The home of a user of ours. */
export interface HomeTarget {
  readonly kind: "home";
  readonly home: HomeName;
  readonly to: Destination & { readonly kind: "address" };
  /** The row of a user who has never registered but whose rules forward calls: their home does not know it yet. */
  readonly calleeSubscriber?: Subscriber;
  /** Callers get the user's addresses, and are not connected. */
  readonly redirects?: true;
  /** It is no user's home: there the router of the domain is asked. */
  readonly routed?: RoutedCall;
}

/** Another server: through a trunk, or of another domain. */
export type External = ExternalTarget & { readonly kind: "external" };

/** The sender is redirected there (RFC 3261 §8.3). */
export interface RedirectTarget {
  readonly kind: "redirect";
  readonly status: number;
  readonly uri: string;
}

export interface TargetQuestion {
  readonly method: string;
  readonly requestUri: string;
  readonly address: Address;
  /** `name@domain` */
  readonly caller: string;
  /** A guest or peer: requests are not relayed for it. */
  readonly isNonSubscriber?: boolean;
  /** Max-Forwards is 0: another server may not get it. */
  readonly isLast?: boolean;
  /** Of an INVITE: the router of the called domain is asked, if there is one. Absent: it is not asked. */
  readonly callId?: string | undefined;
}

export const noRelay = fault(403, "requests are not relayed to other domains");

/** Where a request of this home's user, guest or peer goes. A home that was never opened is opened by it. */
export function selectTarget(by: Selecting, question: TargetQuestion): Promise<Target | Fault> {
  return available(async () => opened(by, await decideTarget(by, question)));
}

/**
 * Where such a request would go, without any change: to the router of the domain, by the routes of the domain, to another presence agent, to the home of a user, to the
 * trunk that has the number, or to another domain if that is allowed.
 */
export function decideTarget(by: Selecting, question: TargetQuestion): Promise<Target | Fault> {
  return available(async () => {
    const { method, requestUri, caller, isNonSubscriber = false, isLast = false } = question;
    const address = await dialledAddress(by.directory, question.address);
    if (isFault(address)) return address;
    const asking = await routerForOwn(by, { ...question, address });
    if (asking !== undefined) return asking;
    const agent = await presenceAgentOf(by, method, address);
    const routed: Routed | Fault =
      agent === undefined
        ? await routeOf(by, { method, caller }, address)
        : { kind: "external", uri: requestUri, trunk: agent, keepsRequestUri: true };
    if (isFault(routed) || routed.kind === "redirect") return routed;
    if (routed.kind === "external") return isNonSubscriber ? noRelay : isLast ? tooManyHops : routed;
    const target = await targetOf(by, requestUri, routed.address, { isNonSubscriber, skipsCallOutCheck: false });
    const elsewhere = routed.address.domain === by.home.domain ? undefined : await askingAt(by, question, routed.address);
    if (elsewhere !== undefined) return elsewhere;
    return !isFault(target) && target.kind === "external" && isLast ? tooManyHops : target;
  });
}

/** The router of the caller's own domain is asked before its routes, and not about a call to one phone (RFC 5627). */
async function routerForOwn(by: Selecting, question: TargetQuestion): Promise<HomeTarget | Fault | undefined> {
  const { address, callId } = question;
  if (callId === undefined || address.domain !== by.home.domain) return undefined;
  // Every call reads the routes, which bring the router along.
  await by.directory.routes(address.domain);
  return askingAt(by, question, address);
}

/** The home where the router of an address's domain is asked; undefined if the domain has none. */
async function askingAt(by: Selecting, question: TargetQuestion, address: Address): Promise<HomeTarget | Fault | undefined> {
  const { callId, caller, isNonSubscriber = false, isLast = false } = question;
  const { user, domain } = address;
  const router = callId === undefined ? undefined : by.directory.routerOf(domain);
  if (router === undefined || callId === undefined || (await isOnePhone(by, address))) return undefined;
  if (isLast) return tooManyHops;
  const { user: name, domain: own } = by.home;
  const more = isNonSubscriber ? ({ isNonSubscriber } as const) : {};
  return routingTarget(by.keyring, router, { domain, callId }, { dialled: user, by: { user: name, domain: own }, caller, ...more });
}

/**
 * Whether an address is the GRUU of one phone (RFC 5627), to which neither routers nor routes apply. A `gr` can stand in any URI:
 * it is one only if its user exists here.
 */
export async function isOnePhone({ directory }: Pick<Selecting, "directory">, { user, domain, instance }: Address): Promise<boolean> {
  return instance !== undefined && (await directory.find(user, domain)).kind === "subscriber";
}

/**
 * Where a request goes that a rule of this home's user, a Contact of a 3xx or a route sends to another address: routes are not applied
 * again.
 * @param skipsCallOutCheck a route leads there: the permission to call out does not matter
 */
export function selectForwardingTarget(
  by: Selecting,
  requestUri: string,
  address: Address,
  skipsCallOutCheck: boolean,
): Promise<HomeTarget | External | Fault> {
  return available(async () => opened(by, await targetOf(by, requestUri, address, { isNonSubscriber: false, skipsCallOutCheck })));
}

/**
 * Where a request from a trunk goes: to the user of the number, in its international form or as the trunk wrote it, or of a route. Routes
 * to other servers are not followed: requests of trunks are not relayed.
 */
export function selectTargetForTrunk(
  { directory, keyring }: Pick<Selecting, "directory" | "keyring">,
  { trunk, caller, method, dialled: written, callId }: TrunkQuestion,
): Promise<HomeTarget | RedirectTarget | Fault> {
  return available(async () => {
    const at = (user: string): Address => ({ user, domain: trunk.domain, instance: undefined, registration: undefined });
    const address = await dialledAddress(directory, at(written));
    if (isFault(address)) return address;
    const { user: dialled } = address;
    const number = numberFrom(trunk.format, dialled);
    const router = await routerForTrunk(directory, trunk.domain, callId);
    if (router !== undefined && callId !== undefined) {
      const unlike = number === dialled ? {} : { written: dialled };
      const by = { user: "", domain: trunk.domain };
      const call = { dialled: number, ...unlike, by, caller, trunk: trunk.name };
      return routingTarget(keyring, router, { domain: trunk.domain, callId }, call);
    }
    const routed = await routeOf({ directory, home: trunk }, { method, caller }, at(number));
    if (isFault(routed) || routed.kind === "redirect") return routed;
    const target = await homeOf({ directory }, routed.kind === "address" ? routed.address : at(number));
    const isOther = isFault(target) && target.status === 404 && number !== dialled;
    return opened({ directory }, isOther ? await homeOf({ directory }, at(dialled)) : target);
  });
}

/**
 * The target of a call that the router of a domain decides on. What was dialled is short and UTF-8, so that the router can decode it, and put
 * it into its decision as it is.
 */
function routingTarget(
  keyring: Keyring,
  router: Router,
  { domain, callId }: { readonly domain: string; readonly callId: string },
  call: Omit<RoutedCall, "timeout" | "fallback">,
): HomeTarget | Fault {
  const dialled = canonicalUser(call.dialled);
  if (dialled.length > maxDialled) return fault(484, `the called address is longer than ${maxDialled} characters`);
  if (dialled === "" || nameOfUser(dialled) === undefined) return fault(404, "there is no such user");
  const { timeout, fallback } = router;
  const to = { kind: "address", instance: undefined, registration: undefined } as const;
  return { kind: "home", home: routingHome(keyring, domain, callId), to, routed: { ...call, timeout, fallback } };
}

/** A request of a trunk. */
interface TrunkQuestion {
  readonly trunk: Trunk;
  readonly caller: string;
  readonly method: string;
  readonly dialled: string;
  readonly callId?: string | undefined;
}

async function routerForTrunk(directory: Directory, domain: string, callId: string | undefined): Promise<Router | undefined> {
  if (callId === undefined) return undefined;
  await directory.routes(domain);
  return directory.routerOf(domain);
}

/** Whether phones of a domain get NOTIFY outside any subscription. */
export async function takesUnsolicited({ directory }: Pick<Selecting, "directory">, domain: string): Promise<boolean> {
  const answer = await directory.find("", domain);
  return answer.kind !== "foreign" && answer.settings.takesUnsolicited === true;
}

/** The result of a domain's routes for a request. */
export type Routed = { readonly kind: "address"; readonly address: Address } | External | RedirectTarget;

/** Applies the routes of a domain; not to the GRUU of a user's phone, which goes there. */
export async function routeOf(
  { directory, home }: Pick<Selecting, "directory"> & { readonly home: { readonly domain: string } },
  request: Pick<RouteQuestion, "method" | "caller">,
  address: Address,
): Promise<Routed | Fault> {
  const routes = (await isOnePhone({ directory }, address)) ? [] : await directory.routes(home.domain);
  const { user, domain } = address;
  const readings = routes.length === 0 ? [] : await readingsAt({ directory }, address);
  const { outcome } = routes.length === 0 ? { outcome: undefined } : chooseRoute(routes, { ...request, user, domain, readings });
  switch (outcome?.kind) {
    case undefined:
      return { kind: "address", address };
    case "local":
      return { kind: "address", address: { user: outcome.user, domain: home.domain, instance: undefined, registration: undefined } };
    case "trunk": {
      const trunk = (await directory.trunks(home.domain)).find(({ name }) => name === outcome.trunk);
      if (trunk === undefined) return fault(500, "the trunk of this route no longer exists");
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
      return fault(outcome.status, toOctets(outcome.reason ?? "refused by a route of the domain"));
  }
}

/** The numbers that another server may read in a name, unless a user of ours has it. */
export async function readingsAt(
  { directory }: Pick<Selecting, "directory">,
  { user, domain }: Pick<Address, "user" | "domain">,
): Promise<readonly string[]> {
  const readings = numberReadings(user);
  return readings.length === 0 || (await directory.find(user, domain)).kind === "subscriber" ? [] : readings;
}

/** The address in the rules for calls to a user who has never registered; undefined if there is none. */
export function forwardOfUnregistered({ rules }: Subscriber): string | undefined {
  return rules.forward.always ?? rules.forward.notRegistered;
}

/** What the sender may do. */
interface Permissions {
  readonly isNonSubscriber: boolean;
  readonly skipsCallOutCheck: boolean;
}

/**
 * The home of an address; or the server for an address that is not one of our users. Otherwise it is refused, because nothing is relayed.
 */
async function targetOf(
  by: Selecting,
  requestUri: string,
  address: Address,
  { isNonSubscriber, skipsCallOutCheck }: Permissions,
): Promise<HomeTarget | External | Fault> {
  const target = await homeOf(by, address);
  if (!isFault(target) || isNonSubscriber) return target;
  // A made-up GRUU of our domain must not become a call to a trunk.
  if (address.instance !== undefined && target.status === 404) return target;
  const isOurs = target.status === 404 && address.domain === by.home.domain;
  const trunk = isOurs ? chooseTrunk(await by.directory.trunks(by.home.domain), address.user) : undefined;
  if (trunk !== undefined) return { kind: "external", uri: uriAtTrunk(trunk, address.user), trunk: trunk.name };
  if (target.status !== 403) return target;
  return skipsCallOutCheck || (await mayCallOut(by)) ? { kind: "external", uri: requestUri } : target;
}

/** The home of an address, by the directory; 404 or 480 if there is none. */
async function homeOf({ directory }: Pick<Selecting, "directory">, address: Address): Promise<HomeTarget | Fault> {
  const answer = await directory.find(address.user, address.domain);
  if (answer.kind === "foreign") return noRelay;
  if (answer.kind === "unknown") return fault(404, "there is no such user");
  const { subscriber, settings } = answer;
  const { instance, registration } = address;
  const target: HomeTarget = {
    ...{ kind: "home", home: homeName(subscriber), to: { kind: "address", instance, registration } },
    ...(settings.redirects ? { redirects: true } : {}),
  };
  if (subscriber.opened) return target;
  return forwardOfUnregistered(subscriber) === undefined
    ? fault(480, "no phone of this user has registered")
    : { ...target, calleeSubscriber: subscriber };
}

/** The same target, which is about to be used. */
async function opened<T extends Target>({ directory }: Pick<Selecting, "directory">, target: T | Fault): Promise<T | Fault> {
  if (!isFault(target) && target.kind === "home" && target.calleeSubscriber !== undefined)
    await directory.markOpened(target.calleeSubscriber);
  return target;
}

/** Whether this home's user may call other domains. */
async function mayCallOut({ directory, home }: Selecting): Promise<boolean> {
  const answer = await directory.find(home.user, home.domain);
  return answer.kind !== "foreign" && answer.settings.callsOut;
}

/** The trunk to the presence agent of our domain's users, if an address is one of theirs and that is another server. */
async function presenceAgentOf({ directory, home }: Selecting, method: string, { user, domain }: Address): Promise<string | undefined> {
  if ((method !== "SUBSCRIBE" && method !== "PUBLISH") || domain !== home.domain) return undefined;
  const answer = await directory.find(user, domain);
  return answer.kind === "foreign" ? undefined : answer.settings.presenceAgent;
}
