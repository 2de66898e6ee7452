import { escapedTextOf, isAlphaCode, isDigitCode, isDigits, isHex, lettersDigitsAnd, textOf } from "./characters.ts";
import { type Fault, fault } from "./fault.ts";
import { defaultLimits } from "./limits.ts";
import type { Parameters } from "./parameters.ts";
import { memoised } from "./memoise.ts";

export interface SipUri {
  readonly kind: "sip";
  readonly scheme: "sip" | "sips";
  /** As written, escapes kept. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** As written; IPv6 in brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly parameters: Parameters;
  /** After the question mark, as written. */
  readonly headers: string | undefined;
}

export interface TelUri {
  readonly kind: "tel";
  readonly scheme: "tel";
  /** As written, with its visual separators. */
  readonly number: string;
  readonly parameters: Parameters;
}

/** Any other URI: passed on, but never used for routing. */
export interface OtherUri {
  readonly kind: "other";
  /** Lower case. */
  readonly scheme: string;
  readonly rest: string;
}

export type Uri = SipUri | TelUri | OtherUri;

const noParameters: Parameters = [];
const unreserved = "-_.!~*'()";
const userCharacters = `${unreserved}&=+$,;?/#`;
const isUser = escapedTextOf(userCharacters);
/** A number sign is accepted (star codes use it), but written as an escape, because the grammar does not have it. */
const plainUserCharacters = `${unreserved}&=+$,;?/`;
const isPlainUser = textOf(plainUserCharacters);
const isPlainUserCode = lettersDigitsAnd(plainUserCharacters);
const isPassword = escapedTextOf(`${unreserved}&=+$,`);
const isParameter = escapedTextOf(`${unreserved}[]/:&+$`);
const isHeader = escapedTextOf(`${unreserved}[]/?:+$&=`);
const isUnreservedCode = lettersDigitsAnd(unreserved);
const isHostText = textOf("-._");

/** Parses a URI (RFC 3261 §19.1, RFC 3966 §3). A malformed URI is a fault; a scheme that cannot be routed is not. */
export function parseUri(text: string): Uri | Fault {
  return memoisedUri(text);
}

/** Characters. Longer URIs have parts that are new each time. */
const maxKept = 64;
const memoisedUri = memoised(readUri, maxKept);

function readUri(text: string): Uri | Fault {
  if (text.length > defaultLimits.uriLength) return fault(414, `a URI is longer than ${defaultLimits.uriLength} characters`);
  if (text.startsWith("sip:")) return parseSipUri("sip", text.slice(4));
  const colon = text.indexOf(":");
  if (colon < 1 || !isScheme(text, colon)) return fault(400, "a URI has no scheme");
  const scheme = text.slice(0, colon).toLowerCase();
  const rest = text.slice(colon + 1);
  if (scheme === "sip" || scheme === "sips") return parseSipUri(scheme, rest);
  if (scheme === "tel") return parseTelUri(rest);
  return rest === "" || /[\s<>"]/.test(rest) ? fault(400, "a URI is malformed") : { kind: "other", scheme, rest };
}

function isScheme(text: string, end: number): boolean {
  if (!isAlphaCode(text.charCodeAt(0))) return false;
  for (let at = 1; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (!isAlphaCode(code) && !isDigitCode(code) && code !== 43 && code !== 45 && code !== 46) return false;
  }
  return true;
}

function parseSipUri(scheme: "sip" | "sips", rest: string): SipUri | Fault {
  const at = rest.includes("@") ? rest.lastIndexOf("@", endOfAuthority(rest)) : -1;
  const userinfo = at < 0 ? undefined : rest.slice(0, at);
  const colon = userinfo?.indexOf(":") ?? -1;
  const user = userinfo === undefined || colon < 0 ? userinfo : userinfo.slice(0, colon);
  const password = userinfo === undefined || colon < 0 ? undefined : userinfo.slice(colon + 1);
  const malformed = userinfoFault(user, password);
  if (malformed !== undefined) return malformed;
  const behind = rest.slice(at + 1);
  const question = behind.indexOf("?");
  const headers = question < 0 ? undefined : behind.slice(question + 1);
  if (headers !== undefined && !areHeaders(headers)) return fault(400, "the headers of a SIP URI are malformed");
  const address = question < 0 ? behind : behind.slice(0, question);
  const semicolon = address.indexOf(";");
  const place = parseHostPort(semicolon < 0 ? address : address.slice(0, semicolon));
  if (place === undefined) return fault(400, "the host of a SIP URI is malformed");
  const parameters = semicolon < 0 ? noParameters : parseUriParameters(address.slice(semicolon + 1).split(";"));
  if (parameters === undefined) return fault(400, "a parameter of a SIP URI is malformed");
  return { kind: "sip", scheme, user, password, host: place.host, port: place.port, parameters, headers };
}

function userinfoFault(user: string | undefined, password: string | undefined): Fault | undefined {
  if (user !== undefined && (user === "" || !isUser(user))) return fault(400, "the user part of a SIP URI is malformed");
  if (password !== undefined && !isPassword(password)) return fault(400, "the password of a SIP URI is malformed");
  return undefined;
}

/** A user part may contain `;` and `?`. The last `@` before the headers is the separator; an `@` in the headers is not. */
function endOfAuthority(rest: string): number {
  const first = rest.indexOf("@");
  const question = first < 0 ? -1 : rest.indexOf("?", first);
  return question < 0 ? rest.length : question;
}

function areHeaders(text: string): boolean {
  return text !== "" && text.split("&").every((header) => header.indexOf("=") > 0 && isHeader(header));
}

function parseUriParameters(parts: readonly string[]): Parameters | undefined {
  if (parts.length > defaultLimits.parameterCount) return undefined;
  const parameters: [string, string | undefined][] = [];
  for (const part of parts) {
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    const value = equals < 0 ? undefined : part.slice(equals + 1);
    if (name === "" || value === "" || !isParameter(name)) return undefined;
    if (value !== undefined && !isParameter(value)) return undefined;
    parameters.push([name, value]);
  }
  return parameters;
}

function parseTelUri(rest: string): TelUri | Fault {
  const [number = "", ...parts] = rest.split(";");
  if (number.length > defaultLimits.numberLength) return fault(400, "a telephone number is too long");
  const isGlobal = /^\+[\d\-.()]+$/.test(number) && /\d/.test(number);
  const isLocal = /^[\dA-Fa-f*#\-.()]+$/.test(number) && /[\dA-Fa-f*#]/.test(number);
  const parameters = parseUriParameters(parts);
  if ((!isGlobal && !isLocal) || parameters === undefined) return fault(400, "a telephone number is malformed");
  return { kind: "tel", scheme: "tel", number, parameters };
}

/** `host` or `host:port`; undefined if malformed. */
export function parseHostPort(text: string): HostPort | undefined {
  return memoisedHostPort(text);
}

interface HostPort {
  readonly host: string;
  readonly port: number | undefined;
}

/** The number of servers is small. */
const memoisedHostPort = memoised(readHostPort, maxKept);

function readHostPort(text: string): HostPort | undefined {
  const bracket = text.lastIndexOf("]");
  const colon = text.indexOf(":", bracket < 0 ? 0 : bracket);
  const host = colon < 0 ? text : text.slice(0, colon);
  if (!isHost(host)) return undefined;
  if (colon < 0) return { host, port: undefined };
  const port = text.slice(colon + 1);
  return isDigits(port) && port.length <= 5 && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined;
}

/** Whether a text is a host name, an IPv4 address or an IPv6 reference (RFC 3261 §25.1 host). */
export function isHost(text: string): boolean {
  if (text.startsWith("[")) return text.endsWith("]") && isIpv6(text.slice(1, -1));
  if (text === "" || text.length > 255 || !isHostText(text)) return false;
  if (isDigitCode(text.charCodeAt(text.length - 1)) && /^[\d.]+$/.test(text)) return isIpv4(text);
  return hasGoodLabels(text);
}

/** No label is empty, or begins or ends with a hyphen; a dot may end the name. */
function hasGoodLabels(host: string): boolean {
  let before = 46;
  for (let at = 0; at < host.length; at += 1) {
    const code = host.charCodeAt(at);
    if ((code === 46 && (before === 46 || before === 45)) || (code === 45 && before === 46)) return false;
    before = code;
  }
  return before !== 45;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => isDigits(part) && part.length <= 3 && Number(part) <= 255);
}

/**
 * RFC 5954 §4.1: at most one `::`, groups of one to four digits, perhaps an IPv4 address at the end. Before that there may be a third
 * colon, which the grammar of RFC 3261 requires (RFC 5118 §4.10).
 */
export function isIpv6(text: string): boolean {
  if (text.length > 45) return false;
  const halves = text.replace(/:::(\d+\.[\d.]+)$/, "::$1").split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const hasIpv4 = last.includes(".");
  if (hasIpv4 && (!isIpv4(last) || halves.at(-1) === "")) return false;
  const hexGroups = hasIpv4 ? groups.slice(0, -1) : groups;
  if (!hexGroups.every((group) => isHex(group) && group.length <= 4)) return false;
  const count = hexGroups.length + (hasIpv4 ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

/** The number in a tel URI, without its visual separators (RFC 3966 §5.1.1). */
export function dialledNumber({ number }: TelUri): string {
  return number.replace(/[-.()]/g, "");
}

export function serialiseUri(uri: Uri): string {
  if (uri.kind === "other") return `${uri.scheme}:${uri.rest}`;
  const parameters = uri.parameters.map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`)).join("");
  if (uri.kind === "tel") return `tel:${uri.number}${parameters}`;
  const password = uri.password === undefined ? "" : `:${uri.password}`;
  const user = uri.user === undefined ? "" : `${uri.user}${password}@`;
  const port = uri.port === undefined ? "" : `:${uri.port}`;
  const headers = uri.headers === undefined ? "" : `?${uri.headers}`;
  return `${uri.scheme}:${user}${uri.host}${port}${parameters}${headers}`;
}

/** Well-formed escapes are decoded; the octets are read as UTF-8. */
export function unescape(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch (error) {
      // Octets that are not UTF-8 stay escaped.
      if (error instanceof URIError) return run;
      throw error;
    }
  });
}

/**
 * The canonical spelling of a user part, for comparisons (RFC 3261 §19.1.4, §10.3 step 5): only what must be escaped is escaped, with
 * upper-case digits; case is kept. The input may be the name or its escaped spelling, as Unicode or as UTF-8 octets of one character each:
 * `josé` and `jos%c3%a9` both become `jos%C3%A9`.
 */
export function canonicalUser(user: string): string {
  if (isPlainUser(user)) return user;
  return escapeBeyondAscii(user).replace(/%[0-9A-Fa-f]{2}|[^%]|%/g, (part) => {
    if (part.length === 1) return isPlainUserCode(part.charCodeAt(0)) ? part : escapeOctet(part.charCodeAt(0));
    const code = Number.parseInt(part.slice(1), 16);
    return isPlainUserCode(code) ? String.fromCharCode(code) : part.toUpperCase();
  });
}

/**
 * The name of a canonical user part, without escapes: what users type, and what the directory and the digest have. Undefined if there is no
 * such name: its octets are not UTF-8, or it has an escaped escape.
 */
export function nameOfUser(user: string): string | undefined {
  if (!user.includes("%")) return user;
  const name = unescape(user);
  return /%[0-9A-Fa-f]{2}/.test(name) ? undefined : name;
}

/** Escapes characters beyond ASCII as UTF-8 octets; runs of characters that already are such octets stay octets. */
function escapeBeyondAscii(text: string): string {
  return text.replace(/[^\0-\x7f]+/g, (run) => {
    const octets = /[^\x80-\xff]/.test(run) ? undefined : run.replace(/./gs, (octet) => escapeOctet(octet.charCodeAt(0)));
    return octets !== undefined && unescape(octets) !== octets ? octets : encodeURIComponent(run.toWellFormed());
  });
}

function escapeOctet(code: number): string {
  return `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** RFC 3261 §19.1.4; for telephone numbers RFC 3966 §4; other URIs are equal if their text is. */
export function equalUris(one: Uri, other: Uri): boolean {
  if (one.kind === "sip" && other.kind === "sip") return equalSipUris(one, other);
  if (one.kind === "tel" && other.kind === "tel") return equalTelUris(one, other);
  return one.kind === "other" && other.kind === "other" && one.scheme === other.scheme && one.rest === other.rest;
}

function equalSipUris(one: SipUri, other: SipUri): boolean {
  return (
    one.scheme === other.scheme &&
    normal(one.user) === normal(other.user) &&
    normal(one.password) === normal(other.password) &&
    one.host.toLowerCase() === other.host.toLowerCase() &&
    one.port === other.port &&
    equalParameters(one.parameters, other.parameters) &&
    equalHeaders(one.headers, other.headers)
  );
}

/** These must be in both or in neither, although they have defaults. */
const strictParameters = ["user", "ttl", "method", "maddr", "transport"];

function equalParameters(one: Parameters, other: Parameters): boolean {
  const ones = folded(one);
  const others = folded(other);
  for (const [name, value] of ones) if (others.has(name) && others.get(name) !== value) return false;
  return strictParameters.every((name) => ones.has(name) === others.has(name));
}

function folded(parameters: Parameters): Map<string, string> {
  return new Map(parameters.map(([name, value]) => [normal(name)?.toLowerCase() ?? "", normal(value)?.toLowerCase() ?? ""]));
}

function equalHeaders(one: string | undefined, other: string | undefined): boolean {
  const sorted = (headers: string | undefined) =>
    (headers ?? "")
      .split("&")
      .map((header) => {
        const equals = header.indexOf("=");
        return `${header.slice(0, equals).toLowerCase()}=${normal(header.slice(equals + 1))}`;
      })
      .sort();
  return one === other || sorted(one).join("&") === sorted(other).join("&");
}

function equalTelUris(one: TelUri, other: TelUri): boolean {
  const digits = (uri: TelUri) => dialledNumber(uri).toLowerCase();
  const ones = folded(one.parameters);
  const others = folded(other.parameters);
  return digits(one) === digits(other) && ones.size === others.size && [...ones].every(([name, value]) => others.get(name) === value);
}

/** Characters that need no escape are not escaped, other escapes have upper-case digits. */
function normal(text: string | undefined): string | undefined {
  if (text === undefined || !text.includes("%")) return text;
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const code = Number.parseInt(escape.slice(1), 16);
    return isUnreservedCode(code) ? String.fromCharCode(code) : escape.toUpperCase();
  });
}
