import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { parseUri, type SipUri } from "../syntax/uri.ts";
import { type Ask, canonicalName, type Inquiry, type Known, look, type NaptrRecord, openInquiry } from "./question.ts";
import { compileExtended } from "./regular-expression.ts";

/**
 * The domain under which a number is looked up (RFC 6116 §3.2); undefined if it is not an E.164 number. Hyphens, dots and brackets are
 * ignored.
 */
export function enumName(e164: string, apex = "e164.arpa"): string | undefined {
  const number = uniqueString(e164);
  return number === undefined ? undefined : `${[...number.slice(1)].reverse().join(".")}.${apex}`;
}

/** The application unique string: "+" and the digits of the number (RFC 6116 §3.1). */
function uniqueString(e164: string): string | undefined {
  const number = e164.replace(/[-.()]/g, "");
  return /^\+\d{1,15}$/.test(number) ? number : undefined;
}

export interface EnumUris {
  readonly kind: "uris";
  /** Best first; empty if the number has none. */
  readonly uris: readonly SipUri[];
}

/** Maximum non-terminal records in one search; more count as a loop (RFC 6116 §5.2.1). */
const maxSteps = 5;
const maxUris = 5;

/**
 * The SIP URIs of a number (RFC 6116, RFC 3764). Returns questions until it knows enough: answer them and call it again. The fault is 503
 * if there are none because a lookup failed.
 */
export function resolveEnum(e164: string, known: Known, apex?: string): Ask | EnumUris | Fault {
  const number = uniqueString(e164);
  const name = enumName(e164, apex);
  if (number === undefined || name === undefined) return { kind: "uris", uris: [] };
  const inquiry = openInquiry(known);
  const uris = urisUnder(inquiry, name, { number, visited: new Set() });
  if (inquiry.missing.length > 0) return { kind: "ask", questions: inquiry.missing };
  if (uris.length === 0 && inquiry.hasFailed) return fault(503, "the number could not be looked up");
  return { kind: "uris", uris: uris.slice(0, maxUris) };
}

interface Walk {
  readonly number: string;
  /** Grows, so that a walk ends and does not loop. */
  readonly visited: Set<string>;
}

/** From the records of the lowest order that lead to SIP URIs, by their preference (RFC 6116 §5.2). Orders apply to one name only. */
function urisUnder(inquiry: Inquiry, name: string, walk: Walk): readonly SipUri[] {
  if (walk.visited.has(name) || walk.visited.size > maxSteps) return [];
  walk.visited.add(name);
  const waiting = look(inquiry, name, "NAPTR").toSorted((one, other) => one.order - other.order || one.preference - other.preference);
  while (waiting[0] !== undefined) {
    const { order } = waiting[0];
    const rank = waiting.splice(0, waiting.findLastIndex((record) => record.order === order) + 1);
    const uris = rank.flatMap((record) => urisOf(inquiry, record, walk));
    if (uris.length > 0 || inquiry.missing.length > 0) return uris;
  }
  return [];
}

function urisOf(inquiry: Inquiry, record: NaptrRecord, walk: Walk): readonly SipUri[] {
  if (record.flags === "") return urisUnder(inquiry, canonicalName(record.replacement), walk);
  if (record.flags.toLowerCase() !== "u" || !isSipService(record.services)) return [];
  const result = substitute(record.regexp, walk.number);
  const uri = result === undefined ? undefined : parseUri(result);
  return uri === undefined || isFault(uri) || uri.kind !== "sip" ? [] : [uri];
}

/** `E2U+sip`, also among others and with subtypes (RFC 6116 §3.4.3); `sip+E2U` is the form of RFC 2916, to be understood (§5.2). */
function isSipService(services: string): boolean {
  const [first, ...others] = services.toLowerCase().split("+");
  if (first === "e2u") return others.some((service) => service.split(":")[0] === "sip");
  return first === "sip" && others.join("+") === "e2u";
}

/**
 * Applies a substitution expression, `!expression!replacement!flags`, to a text (RFC 3402 §3.2): the result is the replacement with the
 * captured groups. Undefined if it does not match, is malformed or refused.
 */
export function substitute(substitution: string, text: string): string | undefined {
  const [expression = "", replacement = "", flags, ...more] = splitSubstitution(substitution);
  if (flags === undefined || !/^i*$/i.test(flags) || more.length > 0) return undefined;
  const match = compileExtended(expression, flags !== "")?.exec(text);
  if (match === null || match === undefined) return undefined;
  const pieces = replacement.match(/\\.|[^\\]|\\$/gsu) ?? [];
  const made = pieces.map((piece) => (/^\\[1-9]$/.test(piece) ? groupOf(match, Number(piece[1])) : unescaped(piece)));
  return made.includes(undefined) ? undefined : made.join("");
}

/** Undefined if there is no such group; "" if the group did not match. */
function groupOf(match: RegExpExecArray, index: number): string | undefined {
  return index < match.length ? (match[index] ?? "") : undefined;
}

/** A backslash at the end is malformed. */
function unescaped(piece: string): string | undefined {
  if (!piece.startsWith("\\")) return piece;
  return piece.length > 1 ? piece.slice(1) : undefined;
}

/** Splits at its first character, which is neither a digit of a back-reference nor a flag; escaped it does not count. */
function splitSubstitution(substitution: string): readonly string[] {
  const delimiter = substitution[0] ?? "";
  if (/^[1-9i\\]?$/i.test(delimiter)) return [];
  const parts = [""];
  for (const piece of substitution.slice(1).match(/\\[\s\S]|[\s\S]/g) ?? []) {
    if (piece === delimiter) parts.push("");
    else parts.push(`${parts.pop()}${piece}`);
  }
  return parts;
}
