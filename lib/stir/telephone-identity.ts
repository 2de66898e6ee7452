import { type NumberFormat, numberFrom } from "../routing/number-format.ts";
import { isFault } from "../syntax/fault.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { canonicalNumber } from "../syntax/telephone-number.ts";
import { type Uri, canonicalUser, parseUri } from "../syntax/uri.ts";

/** Who calls or is called, as a PASSporT names them (RFC 8225 §5.2.1): a telephone number of digits, `#` and `*`, or a URI. */
export type PassportIdentity = { readonly tn: string } | { readonly uri: string };

/**
 * The telephone number of a URI in the form that is signed (RFC 8224 §8.3): without plus and separators, in international form as far as
 * the trunk's format tells; undefined if the URI has none.
 */
export function telephoneNumber(uri: Uri, format: NumberFormat): string | undefined {
  return writtenNumber(uri, format)?.replace("+", "");
}

/** The same, but only if it surely is an international number, of at most 15 digits (E.164). */
export function internationalNumber(uri: Uri, format: NumberFormat): string | undefined {
  const number = writtenNumber(uri, format);
  return number !== undefined && /^\+\d{1,15}$/.test(number) ? number.slice(1) : undefined;
}

/** RFC 3323 §4.1: who is anonymous names no number, whatever user part is written before that host. */
function writtenNumber(uri: Uri, format: NumberFormat): string | undefined {
  if (uri.kind === "sip" && uri.host.toLowerCase() === "anonymous.invalid") return undefined;
  const user = uri.kind === "tel" ? uri.number : uri.kind === "sip" ? uri.user : undefined;
  const number = user === undefined ? undefined : canonicalNumber(canonicalUser(user));
  return number === undefined ? undefined : numberFrom(format, number).replaceAll("%23", "#");
}

/** The number of a URI, or else the URI in its normal form (RFC 8224 §8.5); undefined if that has no user. */
export function passportIdentity(uri: Uri, format: NumberFormat): PassportIdentity | undefined {
  const tn = telephoneNumber(uri, format);
  if (tn !== undefined) return { tn };
  return uri.kind === "sip" && uri.user !== undefined ? { uri: normalUri(uri.user, uri.host) } : undefined;
}

/** The number of a header such as From. */
export function numberOfHeader(value: string | undefined, format: NumberFormat, read = telephoneNumber): string | undefined {
  const uri = uriIn(value);
  return uri === undefined ? undefined : read(uri, format);
}

/** The URI of a header such as From; undefined if there is none that can be read. */
export function uriIn(value: string | undefined): Uri | undefined {
  const address = value === undefined ? undefined : parseNameAddress(value);
  const uri = address === undefined || isFault(address) ? undefined : parseUri(address.uri);
  return uri === undefined || isFault(uri) ? undefined : uri;
}

function normalUri(user: string, host: string): string {
  return `sip:${canonicalUser(user)}@${host.toLowerCase()}`;
}

export function isSameIdentity(one: PassportIdentity, other: PassportIdentity): boolean {
  return "tn" in one ? "tn" in other && one.tn === other.tn : "uri" in other && one.uri === other.uri;
}
