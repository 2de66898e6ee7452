import type { HomeName } from "../transport/identifiers.ts";
import type { Keyring } from "../authentication/keyring.ts";
import { type Address, addressOf } from "../location/address.ts";
import type { Alterations } from "../syntax/alter.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { parseDigest } from "../syntax/digest.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { type Request, hasHeader, headerValues } from "../syntax/message.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { readOptionTags } from "../syntax/option-tags.ts";
import { parameter } from "../syntax/parameters.ts";
import { type SipUri, type Uri, canonicalUser, parseUri, dialledNumber } from "../syntax/uri.ts";
import type { DialogEnd } from "../transport/envelope.ts";
import { isTextHash } from "../syntax/text-hash.ts";
import { hasTooManyRecordRoutes, maxRecordRoutes } from "./dialog-forming.ts";
import { type DialogRoute, endsOf, isMarkOf, openRoute, withoutOwnRecordRoute } from "./route-token.ts";
import { type Standing, takenFrom } from "./standing.ts";
import { withoutVerstat } from "../stir/verstat.ts";

/** The user whose authenticated flow a request came on. */
export interface Owner {
  readonly home: HomeName;
  readonly user: string;
  readonly domain: string;
  readonly aliases: readonly string[];
  /** A server whose users we do not know: From may be any user. */
  readonly isTrusted?: boolean;
  /** How far its assertions on identity are trusted; a subscriber's if absent. */
  readonly standing?: Standing;
}

/** Where a request goes (RFC 3261 §16.3 to §16.5), and what to change in it. */
export type RoutingDecision =
  | { readonly kind: "server" }
  | {
      readonly kind: "dialog";
      readonly sender: DialogEnd;
      readonly receiver: DialogEnd;
      readonly recordRoute: string | undefined;
      readonly alterations: Alterations;
      /** Whether our route token confirms the From. */
      readonly hasOwnRouteToken: boolean;
      readonly isFromCaller: boolean;
      /** A mark of the user whom another server was asked to call; absent if none was, and in older tokens. */
      readonly called: string | undefined;
    }
  | {
      readonly kind: "address";
      readonly address: Address;
      readonly alterations: Alterations;
      /** Max-Forwards has reached zero: we may answer the request, but not forward it. */
      readonly isLast?: true;
    };

export interface Examination {
  readonly keyring: Keyring;
  readonly owner: Owner;
  /** Whether a host (lower case, perhaps with a port) is a name of ours, in the Request-URI or in the Route at this place from the top. */
  readonly isOurs: (host: string, place?: number) => boolean;
  /** Whether we answer the request ourselves, and do not forward it. */
  readonly endsHere: (request: Request, way: RoutingDecision) => boolean;
}

const initialMaxForwards = 70;
/** Headers for this server only; they are not forwarded. */
const privateHeaders = ["proxy-authorization", "authorization"];

/** Validates a request from an authenticated flow (RFC 3261 §16.3) and finds where it goes (§16.4, §16.5). */
export function validateAndRoute(request: Request, mandatory: MandatoryHeaders, by: Examination): RoutingDecision | Fault {
  const uri = parseUri(request.requestUri);
  if (isFault(uri)) return uri;
  if (hasTooManyRecordRoutes(request)) return fault(400, `there are more than ${maxRecordRoutes} values of Record-Route`);
  const unsupported = readOptionTags(request, "proxy-require");
  if (unsupported.length > 0) return fault(420, "a required extension is not supported", [["Unsupported", unsupported.join(", ")]]);
  const route = readRoute(request, mandatory, uri, by);
  if (isFault(route)) return route;
  // Within a call it is the Contact of the other end, which our Route names.
  if (uri.kind === "other" && route.way.kind !== "dialog") return fault(416, `the scheme ${uri.scheme} cannot be routed`);
  if (mandatory.maxForwards === 0 && !by.endsHere(request, route.way)) return tooManyHops;
  if (!route.hasOwnRouteToken && by.owner.isTrusted !== true && !isOwnFrom(mandatory, by.owner))
    return fault(403, "From is not the authenticated user");
  return mandatory.maxForwards === 0 && route.way.kind === "address" ? { ...route.way, isLast: true } : route.way;
}

export const tooManyHops: Fault = fault(483, "Max-Forwards has reached zero");

/** What the sender may not assert goes no further, nor what is for this server only. */
function headersOfSender(request: Request, owner: Owner): Pick<Alterations, "remove" | "append"> {
  const { standing = "subscriber" } = owner;
  const taken = takenFrom(request, standing);
  const unmarked = withoutVerstat(request, taken);
  const recorded = standing === "subscriber" || standing === "guest" ? withoutOwnRecordRoute(request) : undefined;
  const present = privateHeaders.filter((name) => hasHeader(request, name));
  return {
    remove: [...present, ...taken, ...unmarked.remove, ...(recorded === undefined ? [] : ["record-route"])],
    ...appended([
      ...withForeignCredentials(request, owner),
      ...unmarked.append,
      ...(recorded ?? []).map((value): [string, string] => ["Record-Route", value]),
    ]),
  };
}

/** RFC 3261 §22.3: credentials for the realm of another server, which has challenged, stay in the request. */
function withForeignCredentials(request: Request, { domain }: Owner): [string, string][] {
  return credentialHeaders.flatMap(([name, written]) =>
    (hasHeader(request, name) ? headerValues(request, name) : []).flatMap((value): [string, string][] => {
      const digest = parseDigest(value);
      const realm = isFault(digest) ? undefined : digest.values.get("realm")?.toLowerCase();
      return realm === undefined || realm === domain ? [] : [[written, value]];
    }),
  );
}

function appended(lines: readonly (readonly [string, string])[]): Pick<Alterations, "append"> {
  return lines.length === 0 ? {} : { append: lines };
}

const credentialHeaders = [
  ["proxy-authorization", "Proxy-Authorization"],
  ["authorization", "Authorization"],
] as const;

interface Route {
  readonly way: RoutingDecision;
  /** Whether our own token proves that the sender belongs to the dialog. */
  readonly hasOwnRouteToken: boolean;
}

/** RFC 3261 §16.4, then §16.5. */
function readRoute(request: Request, mandatory: MandatoryHeaders, written: Uri, by: Examination): Route | Fault {
  const strict = repairStrictRoute(request, mandatory, written, by);
  const routes = readRoutes(request, strict);
  if (isFault(routes)) return routes;
  const own = ownRoutes(strict === undefined ? routes : [strict.route, ...routes], mandatory, by);
  const popRoutes = strict === undefined ? own.count : own.count - 1;
  const [next] = routes.slice(popRoutes);
  const isElsewhere = next !== undefined && own.dialog === undefined;
  if (isElsewhere) return fault(403, "requests are not relayed to other servers");
  const alterations: Alterations = {
    maxForwards: mandatory.maxForwards === undefined ? initialMaxForwards : Math.max(0, mandatory.maxForwards - 1),
    ...headersOfSender(request, by.owner),
    ...(popRoutes === 0 ? {} : { popRoutes }),
    ...(strict === undefined ? {} : { requestUri: strict.requestUri, popLastRoute: true }),
  };
  if (own.dialog !== undefined) {
    const { sender, receiver } = endsOf(own.dialog.route, mandatory.fromTag);
    if (sender.home !== by.owner.home) return fault(403, "the sender is not part of this dialog");
    // RFC 6665 §4.3: the NOTIFY creates the dialog of its subscription, and needs the route that the SUBSCRIBE had.
    const recordRoute = request.method === "NOTIFY" && strict === undefined ? headerValues(request, "route")[own.count - 1] : undefined;
    const hasOwnRouteToken = vouches(request, mandatory, own.dialog.route);
    const { callerTag, called } = own.dialog.route;
    const isFromCaller = (mandatory.fromTag ?? "") === callerTag;
    const ends = { sender, receiver, isFromCaller, called };
    return { way: { kind: "dialog", ...ends, recordRoute, alterations, hasOwnRouteToken }, hasOwnRouteToken };
  }
  const uri = strict === undefined ? written : parseUri(strict.requestUri);
  if (isFault(uri)) return uri;
  const read = readRequestUri(uri, alterations, by);
  const isOfOtherCall = mandatory.toTag !== undefined && routes.slice(0, own.count).some(hasToken);
  return isOfOtherCall && !isFault(read) && leavesServer(read.way, by) ? ofOtherCall : read;
}

/** Its Request-URI is a Contact, which is no address of another server's user. */
const ofOtherCall = fault(481, "the Route is that of another call");

function leavesServer(way: RoutingDecision, by: Examination): boolean {
  return way.kind === "address" && !by.isOurs(way.address.domain);
}

/** Requests whose From no phone shows: they end, acknowledge or confirm an existing dialog, also if the names have changed. */
const nameless = ["ACK", "BYE", "CANCEL", "PRACK"];

/**
 * Phones show the From of a request, some also within a dialog (RFC 4916), and of a MESSAGE even in a dialog that they do not know. The
 * caller's From is that of the INVITE, the callee's what the caller dialled; other names must be the sender's own. Tokens of older builds
 * lack the mark of the caller, and perhaps that of the dialled address: they confirm all but MESSAGE.
 */
function vouches({ method }: Request, { from, fromTag }: MandatoryHeaders, { callerTag, calling, dialled }: DialogRoute): boolean {
  if (nameless.includes(method)) return true;
  const isCaller = (fromTag ?? "") === callerTag;
  if (calling === undefined && method !== "MESSAGE") return true;
  const mark = isCaller ? calling : dialled;
  return (method !== "MESSAGE" || isTextHash(mark ?? "")) && isMarkOf(from.uri, mark);
}

/** The URIs of Route, without the last value if a strict router has put the target there. */
function readRoutes(request: Request, strict: Repair | undefined): readonly SipUri[] | Fault {
  if (!hasHeader(request, "route")) return [];
  const uris: SipUri[] = [];
  for (const value of headerValues(request, "route").slice(0, strict === undefined ? undefined : -1)) {
    const uri = uriOf(value);
    if (isFault(uri)) return uri;
    uris.push(uri);
  }
  return uris;
}

interface OwnRoutes {
  /** How many Route values at the top are ours. */
  readonly count: number;
  /** The dialog that the last of them names; the values after it lead to the other end. */
  readonly dialog: { readonly route: DialogRoute } | undefined;
}

/**
 * RFC 3261 §16.4: a Route at the top that is ours is removed. There may be several: the outbound proxy in the phone's settings, and our
 * Service-Route or Record-Route. Each would lead back to us.
 */
function ownRoutes(routes: readonly SipUri[], { toTag, callId }: MandatoryHeaders, by: Examination): OwnRoutes {
  let count = 0;
  for (const uri of routes) {
    if (!isOwnRoute(uri, by, count)) break;
    count += 1;
    const route = toTag === undefined ? undefined : openRoute(by.keyring, uri.user, callId);
    if (route !== undefined) return { count, dialog: { route } };
  }
  return { count, dialog: undefined };
}

function readRequestUri(uri: Uri, alterations: Alterations, by: Examination): Route | Fault {
  if (uri.kind === "tel") {
    const address = { user: dialledNumber(uri), domain: by.owner.domain, instance: undefined, registration: undefined };
    return { way: { kind: "address", address, alterations }, hasOwnRouteToken: false };
  }
  if (uri.kind !== "sip") return fault(416, "the scheme cannot be routed");
  if (uri.user === undefined && by.isOurs(hostOf(uri))) return { way: { kind: "server" }, hasOwnRouteToken: false };
  const address =
    uri.user === undefined
      ? { user: "", domain: uri.host.toLowerCase(), instance: undefined, registration: undefined }
      : addressOf(by.keyring, uri);
  if (address === undefined) return fault(404, "this GRUU is unknown or no longer valid");
  return { way: { kind: "address", address, alterations }, hasOwnRouteToken: false };
}

interface Repair {
  /** Our Route, which was in the Request-URI. */
  readonly route: SipUri;
  readonly requestUri: string;
}

/**
 * RFC 3261 §16.4: a strict router before us put our Record-Route or Service-Route into the Request-URI, and the target at the end of the
 * Routes. Within a dialog that is a token of ours: the other end may have written any other URI as its Contact.
 */
function repairStrictRoute(request: Request, { callId, toTag }: MandatoryHeaders, uri: Uri, by: Examination): Repair | undefined {
  if (uri.kind !== "sip" || !hasHeader(request, "route")) return undefined;
  const isOurs =
    uri.user === undefined
      ? toTag === undefined && parameter(uri.parameters, "lr") !== undefined && by.isOurs(hostOf(uri))
      : openRoute(by.keyring, uri.user, callId) !== undefined;
  const last = isOurs ? parseNameAddress(headerValues(request, "route").at(-1) ?? "") : undefined;
  return last === undefined || isFault(last) ? undefined : { route: uri, requestUri: last.uri };
}

function uriOf(route: string): SipUri | Fault {
  const address = parseNameAddress(route);
  if (isFault(address)) return address;
  const uri = parseUri(address.uri);
  if (isFault(uri)) return uri;
  return uri.kind === "sip" ? uri : fault(400, "a Route is not a SIP URI");
}

/** A token in the user part is ours under any host name that we had: it opens, or it is dropped. */
function isOwnRoute(uri: SipUri, by: Examination, place: number): boolean {
  return hasToken(uri) || by.isOurs(hostOf(uri), place);
}

function hasToken({ user }: SipUri): boolean {
  return user?.startsWith("route.") === true;
}

function hostOf(uri: SipUri): string {
  return uri.port === undefined ? uri.host.toLowerCase() : `${uri.host.toLowerCase()}:${uri.port}`;
}

/** Outside a dialog From is the sender's address of record, one of its aliases, or anonymous (RFC 3323 §4.1.1.3). */
function isOwnFrom(mandatory: MandatoryHeaders, owner: Owner): boolean {
  const uri = parseUri(mandatory.from.uri);
  if (isFault(uri)) return false;
  if (uri.kind === "tel") return owner.aliases.includes(dialledNumber(uri));
  if (uri.kind !== "sip" || uri.user === undefined) return false;
  const host = uri.host.toLowerCase();
  if (host === "anonymous.invalid") return true;
  const user = canonicalUser(uri.user);
  return host === owner.domain && (user === owner.user || owner.aliases.includes(user));
}
