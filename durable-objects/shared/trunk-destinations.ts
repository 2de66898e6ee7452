import { isForbidden, mayCall } from "../../lib/routing/destinations.ts";
import { numberReadings } from "../../lib/routing/number-readings.ts";
import { strictTarget } from "../../lib/proxy/next-route.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { type Request, hasHeader, headerValues } from "../../lib/syntax/message.ts";
import { parseNameAddress } from "../../lib/syntax/name-address.ts";
import { canonicalNumber } from "../../lib/syntax/telephone-number.ts";
import { type Uri, canonicalUser, dialledNumber, nameOfUser, parseUri } from "../../lib/syntax/uri.ts";
import type { Directory } from "../../platform/directory/directory.ts";

/** Requests that may cost something. */
const toNumbers = ["INVITE", "MESSAGE"];

/** A number at the beginning of a URI, also behind a service code or a pause: another server may skip what it does not know. The Contacts of some phones have one, with more after it. */
export function numberAtTheBeginning(address: string): string | undefined {
  const uri = parseUri(address);
  if (isFault(uri) || uri.kind === "other") return undefined;
  if (uri.kind === "tel") return dialledNumber(uri);
  const written = canonicalUser(uri.user ?? "");
  const user = nameOfUser(written) ?? written;
  const bare = user.replace(/^(?:[*#][*#\d]{0,20}[*#]|[wp](?=[+\d]))/i, "");
  return canonicalNumber(bare) ?? canonicalNumber(/^[-.()/\s]*\+?[-.()/\s\d]*/.exec(bare)?.[0] ?? "");
}

/** Whether a URI is that of a number, with nothing before or after it that another server could read. */
export function isPlainNumber(address: string): boolean {
  const uri = parseUri(address);
  if (isFault(uri) || uri.kind === "other") return false;
  return /^\+?\d+$/.test(uri.kind === "tel" ? dialledNumber(uri) : (canonicalNumber(canonicalUser(uri.user ?? "")) ?? ""));
}

/** All numbers that another server may read in a URI. */
export function numbersIn(address: string): readonly string[] {
  const uri = parseUri(address);
  const first = numberAtTheBeginning(address);
  const readings = isFault(uri) || uri.kind === "other" ? [] : numberReadings(writtenIn(address, uri));
  return [...new Set([...(first === undefined ? [] : [first]), ...readings])];
}

/** What stands in a URI where its number would be: the user with its parameters, and a password. */
export function writtenIn(address: string, uri: Uri): string {
  if (uri.kind === "tel") return address.slice("tel:".length);
  if (uri.kind !== "sip") return "";
  const { user = "", password = "" } = uri;
  return canonicalUser(user) + password;
}

/** Where a request within a dialog goes: strict routers, before us or after us, have the target elsewhere. @param popRoutes Routes of ours */
export function targetsWithin(request: Request, requestUri: string, popRoutes: number): readonly string[] {
  const strict = hasHeader(request, "route") ? strictTarget(headerValues(request, "route").slice(popRoutes)) : undefined;
  return strict === undefined ? [requestUri] : [strict, requestUri];
}

/** The URI that a REFER asks to be called. RFC 3515 §2.4.2: there is one; another server may read several, or a broken one, as it likes. */
export function referredTo(refer: Request): string | Fault {
  const [value, ...more] = hasHeader(refer, "refer-to") ? headerValues(refer, "refer-to") : [];
  const target = value === undefined || more.length > 0 ? fault(400, "a REFER has one Refer-To") : parseNameAddress(value);
  return isFault(target) ? fault(400, "a REFER has one Refer-To, with an address") : target.uri;
}

/**
 * Refuses a request that begins something at a trunk: a call or message to a number which it does not allow, or a REFER. The call that a
 * REFER outside a dialog begins would count nowhere.
 * @param user as in the Request-URI at the trunk
 */
export function refuseDestination(trunk: Trunk, method: string, user: string): Fault | undefined {
  if (method === "REFER") return referWithoutCall;
  return toNumbers.includes(method) && !mayCall(trunk, user) ? notAllowed(trunk) : undefined;
}

/**
 * Refuses a request within a call that names a number which the trunk does not allow. The Request-URI is the Contact of the other end, which
 * may have any number: only a forbidden one is refused there.
 * @param hasRejects whether routes of the domain refuse numbers
 */
export async function refuseDestinationWithin(
  directory: Pick<Directory, "find">,
  trunk: Trunk,
  request: Request,
  numbers: readonly string[],
  hasRejects = false,
): Promise<Fault | undefined> {
  if (request.method === "REFER") return refuseNumberReferredTo(directory, trunk, request, hasRejects);
  return numbers.some((number) => isForbidden(trunk, number)) ? notAllowed(trunk) : undefined;
}

/** The numbers of the domain's own users are allowed: the call comes back. */
async function refuseNumberReferredTo(
  directory: Pick<Directory, "find">,
  trunk: Trunk,
  request: Request,
  hasRejects: boolean,
): Promise<Fault | undefined> {
  const uri = referredTo(request);
  if (isFault(uri)) return uri;
  if (namesOtherHeaders(uri)) return onlyReplaces;
  const number = numberAtTheBeginning(uri);
  const isClear = numbersIn(uri).every((one) => !isForbidden(trunk, one));
  if (isClear && (number === undefined ? !isUnclear(trunk, uri, hasRejects) : mayCall(trunk, number))) return undefined;
  const named = parseUri(uri);
  const isHere = !isFault(named) && named.kind === "sip" && named.host.toLowerCase() === trunk.domain;
  const isOwn = isHere && (await directory.find(canonicalUser(named.user ?? ""), trunk.domain)).kind === "subscriber";
  return isOwn ? undefined : notAllowed(trunk);
}

/** Whether another server may read a number out of a URI that this one cannot compare with the lists of a trunk. */
function isUnclear({ allowed_destinations: allowed, forbidden_destinations: forbidden }: Trunk, uri: string, hasRejects: boolean): boolean {
  const hasLists = [allowed, forbidden].some((list) => list !== undefined && list.length > 0);
  return (hasLists || hasRejects) && /\d/.test(uri.slice(0, Math.max(0, uri.lastIndexOf("@"))));
}

/** Whether a URI has other headers than Replaces for the call that is placed by it (RFC 3261 §19.1.1): they would be said to be the caller's. */
export function namesOtherHeaders(uri: string): boolean {
  const [, headers = ""] = uri.split("?", 2);
  return headers.split("&").some((header) => header !== "" && !/^replaces=/i.test(header));
}

export const onlyReplaces: Fault = fault(403, "a Refer-To for another server or user has no header but Replaces");

const referWithoutCall = fault(403, "a REFER outside a call does not go over a trunk");

/** The refusal of a number. */
export function notAllowed({ name }: Pick<Trunk, "name">): Fault {
  return fault(403, `the trunk ${name} does not allow calls to this number`);
}
