import type { Keyring } from "../authentication/keyring.ts";
import { type Request, type Response, hasHeader, headerValue, headerValues } from "../syntax/message.ts";
import { isFault } from "../syntax/fault.ts";
import { decodedText } from "../syntax/octets.ts";
import { plainHash } from "../syntax/plain-hash.ts";
import { isTextHash, textHash } from "../syntax/text-hash.ts";
import { canonicalUser, parseUri } from "../syntax/uri.ts";
import type { DialogEnd } from "../transport/envelope.ts";
import type { HomeName, PhoneId } from "../transport/identifiers.ts";

/** The two ends of a dialog as our Record-Route names them. The receiver of a request in the dialog is the end that did not send it. */
export interface DialogRoute {
  readonly caller: DialogEnd;
  readonly callee: DialogEnd;
  /** Empty if the caller's From has no tag (RFC 3261 §12.1.1). */
  readonly callerTag: string;
  /** A mark of the address that the caller dialled, which is the callee's From; absent if no phone is called, and in older tokens. */
  readonly dialled?: string;
  /** A mark of the caller's From; absent in older tokens. */
  readonly calling?: string;
  /** A mark of the user in the Request-URI with which another server was called; absent if none was, and in older tokens. */
  readonly called?: string;
}

const userPrefix = "route.";

/**
 * The URI of our Record-Route (RFC 3261 §16.6 step 4): the two ends of the dialog, encrypted, authenticated and bound to its Call-ID, so
 * that requests within the dialog are routed without stored state.
 * @param at our address: a host, or a host with its transport
 * @param isSecure it is a SIPS URI, as that of the request is
 */
export function recordRoute(keyring: Keyring, route: DialogRoute, callId: string, at: string, isSecure = false): string {
  const { caller, callee, callerTag, dialled, calling, called } = route;
  const known = calling === undefined ? [dialled].filter((mark) => mark !== undefined) : [dialled ?? "", calling];
  const marks = called === undefined ? known : [dialled ?? "", calling ?? "", called];
  const parts = [caller.phone, callee.phone, caller.home, callee.home, callerTag, ...marks];
  const token = keyring.seal("route", parts.join("\n"), callId);
  const place = at.includes(";") ? at : `${at};transport=ws`;
  // RFC 3261 §26.2.2: in a SIPS URI the transport is tcp, over TLS.
  return isSecure ? `<sips:${userPrefix}${token}@${place.replace("=tls", "=tcp")};lr>` : `<sip:${userPrefix}${token}@${place};lr>`;
}

/** The dialog in the user part of a Route URI; undefined if we did not mint it, or minted it for another Call-ID. */
export function openRoute(keyring: Keyring, user: string | undefined, callId: string): DialogRoute | undefined {
  if (user === undefined || !user.startsWith(userPrefix)) return undefined;
  const text = keyring.open("route", user.slice(userPrefix.length), callId);
  if (text === undefined) return undefined;
  const parts = text.split("\n") as [string, string, string, string, string, string?, string?, string?];
  const [callerPhone, calleePhone, callerHome, calleeHome, callerTag, dialled = "", calling, called] = parts;
  const ends = { caller: { home: callerHome, phone: callerPhone }, callee: { home: calleeHome, phone: calleePhone } };
  const marks = { ...(dialled === "" ? {} : { dialled }), ...(calling === undefined ? {} : { calling }) };
  return { ...ends, callerTag, ...marks, ...(called === undefined ? {} : { called }) };
}

const ownRoute = /^<sips?:(route\.[^@>]+)@/;

/** How a request within a dialog goes: our Route, and those beyond this server, in their order. */
export interface RouteSet {
  /** The user part of ours. */
  readonly route?: string;
  readonly routes?: readonly string[];
}

/**
 * The route set of one end of a dialog, from the response that has made it: that of the caller is its Record-Route in reverse, that of the
 * callee is as it is (RFC 3261 §12.1). If the call has come by this server twice, the nearest token of ours is that end's.
 * @param maximum characters of all other routes together; with more there are none
 */
export function routeSetOf(keyring: Keyring, response: Response, isCaller: boolean, maximum: number): RouteSet {
  const recorded = hasHeader(response, "record-route") ? headerValues(response, "record-route") : [];
  const ordered = isCaller ? recorded.toReversed() : recorded;
  const callId = headerValue(response, "call-id") ?? "";
  const own = ordered.findIndex((value) => openRoute(keyring, ownRoute.exec(value)?.[1], callId) !== undefined);
  const routes = ordered.slice(own + 1).map(decodedText);
  const route = own < 0 ? undefined : ownRoute.exec(ordered[own] ?? "")?.[1];
  const isShort = own >= 0 && routes.length > 0 && routes.join().length <= maximum;
  return { ...(route === undefined ? {} : { route }), ...(isShort ? { routes } : {}) };
}

/**
 * The Record-Route of a request without the values that name this server, if it has any: by ours this server knows the ends of a call, and it
 * has not written these. Undefined: there are none.
 */
export function withoutOwnRecordRoute(request: Request): readonly string[] | undefined {
  if (!hasHeader(request, "record-route")) return undefined;
  const recorded = headerValues(request, "record-route");
  const others = recorded.filter((value) => !value.includes(`:${userPrefix}`));
  return others.length < recorded.length ? others : undefined;
}

/** The homes of the two ends of a dialog, one of which is this one, by the Record-Route of its 2xx; undefined if that has none of ours. */
export function endsIn(keyring: Keyring, response: Response, callId: string, home: HomeName): readonly HomeName[] | undefined {
  if (!hasHeader(response, "record-route")) return undefined;
  for (const value of headerValues(response, "record-route")) {
    const opened = openRoute(keyring, ownRoute.exec(value)?.[1], callId);
    const ends = opened === undefined ? [] : [opened.caller.home, opened.callee.home];
    if (ends.includes(home)) return ends;
  }
  return undefined;
}

/** Whether a 2xx has our Record-Route for this phone alone, above as many others as the INVITE had when it came. */
export function isRecordedFor(
  keyring: Keyring,
  response: Response,
  { callId, phone, before }: { readonly callId: string; readonly phone: PhoneId; readonly before: number },
): boolean {
  const recorded = hasHeader(response, "record-route") ? headerValues(response, "record-route") : [];
  if (recorded.length !== before + 1) return false;
  return openRoute(keyring, ownRoute.exec(recorded[0] ?? "")?.[1], callId)?.callee.phone === phone;
}

/** The first Route of ours in a request that was made for its Call-ID: only the ends of that call have it. */
export function ownRouteIn(keyring: Keyring, request: Request, callId: string): DialogRoute | undefined {
  if (!hasHeader(request, "route")) return undefined;
  for (const value of headerValues(request, "route")) {
    const opened = openRoute(keyring, ownRoute.exec(value)?.[1], callId);
    if (opened !== undefined) return opened;
  }
  return undefined;
}

/** The sending and the receiving end of a request in the dialog, determined by its From tag. */
export function endsOf(route: DialogRoute, fromTag: string | undefined): { readonly sender: DialogEnd; readonly receiver: DialogEnd } {
  return (fromTag ?? "") === route.callerTag
    ? { sender: route.caller, receiver: route.callee }
    : { sender: route.callee, receiver: route.caller };
}

/** The mark of a URI by its user and host: an address of record in a To or From, or a Contact. */
export function dialledMark(written: string): string {
  return textHash(userAndHost(written));
}

/** The mark of the user in the Request-URI with which another server is called. */
export function calledMark(user: string): string {
  return textHash(canonicalUser(user));
}

/** Whether a mark is of this URI, also one of an older build. */
export function isMarkOf(written: string, mark: string | undefined): boolean {
  if (mark === undefined || isTextHash(mark)) return mark === dialledMark(written);
  return mark === plainHash(userAndHost(written));
}

function userAndHost(written: string): string {
  const uri = parseUri(written);
  return isFault(uri) || uri.kind !== "sip" ? written : `${canonicalUser(uri.user ?? "")}@${uri.host.toLowerCase()}`;
}
