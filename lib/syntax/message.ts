import { isDigits, isToken, numberBetween } from "./characters.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { canonicalName, isList, knownNameBehind, roleOf, roles, startLine } from "./header-names.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { splitList } from "./list.ts";
import { copyOf } from "./memoise.ts";
import { refuseMethod } from "./method.ts";

/** The position of a header line in the text. */
export interface HeaderLine {
  /** Long form, lower case. */
  readonly name: string;
  readonly at: number;
  /** Offset after the colon. */
  readonly valueAt: number;
  /** Offset of the line's last CRLF, after folded continuation lines. */
  readonly end: number;
  readonly isFolded: boolean;
}

/** The first line of each header that every element reads, by role; at 0 a line that repeats a header which may occur only once. */
export type FirstLines = readonly (HeaderLine | undefined)[];

interface Lines {
  /** The octets of the message, one character each, for every kind of frame; no other characters are put into it. */
  readonly text: string;
  readonly lines: readonly HeaderLine[];
  readonly first: FirstLines;
  readonly bodyAt: number;
}

export interface Request extends Lines {
  readonly kind: "request";
  readonly method: string;
  readonly requestUri: string;
}

export interface Response extends Lines {
  readonly kind: "response";
  readonly status: number;
  readonly reason: string;
}

export type Message = Request | Response;

/**
 * Finds the parts of a message (RFC 3261 §7) in one scan: the start line, the header lines, the start of the body. Header values are
 * decoded on demand. Empty lines before the start line are skipped (§7.5); octets after the body that Content-Length announces are cut off
 * (§18.3), a shorter body is a fault.
 */
export function parseMessage(octets: string, limits: Limits = defaultLimits): Message | Fault {
  const text = skipEmptyLines(octets);
  if (text.length > limits.messageLength) return fault(513, `the message is longer than ${limits.messageLength} octets`);
  const lines: HeaderLine[] = [];
  const first = noLines();
  const startEnd = text.indexOf("\r\n");
  if (startEnd < 0) return fault(400, "the start line has no end");
  if (startEnd > limits.startLineLength) return fault(414, `the start line is longer than ${limits.startLineLength} characters`);
  const bodyAt = findLines(text, startEnd + 2, lines, first, limits);
  if (typeof bodyAt !== "number") return bodyAt;
  if (hasStrayNul(text, bodyAt)) return fault(400, "there is a NUL that is not escaped in a quoted text");
  const parts = { text, lines, first, bodyAt };
  const message = readFastRequestLine(startEnd, parts) ?? readStartLine(pieceOf(text, 0, startEnd), parts);
  if (isFault(message)) return message;
  const refusal = message.kind === "request" ? refuseMethod(message.method) : undefined;
  return refusal ?? fitBody(message);
}

/** The first value of a header, unfolded and trimmed. */
export function headerValue(message: Message, name: string): string | undefined {
  for (const line of message.lines) if (line.name === name) return valueOf(message.text, line);
  return undefined;
}

/** All values of a header; if its grammar is a list, each element. */
export function headerValues(message: Message, name: string): string[] {
  const values: string[] = [];
  for (const line of message.lines) {
    if (line.name !== name) continue;
    const value = valueOf(message.text, line);
    if (!isList(name) || !value.includes(",")) values.push(value);
    else values.push(...splitList(value));
  }
  return values;
}

export function hasHeader(message: Message, name: string): boolean {
  return message.lines.some((line) => line.name === name);
}

export function bodyOf(message: Message): string {
  return message.text.slice(message.bodyAt);
}

/** The value of a line, each folding replaced by one space (RFC 3261 §7.3.1), without surrounding white space. */
export function valueOf(text: string, line: HeaderLine): string {
  const value = pieceOf(text, valueStart(text, line), valueEnd(text, line));
  return line.isFolded ? unfold(value) : value;
}

/** Octets of a message that a piece of it may keep in memory. */
const shortText = 6144;

/** A piece of a message, which may be kept. In the runtime a substring keeps the whole text, so that of a long one is copied. */
function pieceOf(text: string, from: number, to: number): string {
  return isLong(text) ? copyOf(text.slice(from, to)) : text.slice(from, to);
}

/** Whether no piece of a message may be kept unless it is copied. */
export function isLong(text: string): boolean {
  return text.length > shortText;
}

/** The number that is the value of a line, of any size; -1 if the value is not a number. */
export function numberIn(text: string, line: HeaderLine): number {
  return line.isFolded ? numberOf(valueOf(text, line)) : numberBetween(text, valueStart(text, line), valueEnd(text, line));
}

function numberOf(value: string): number {
  return numberBetween(value, 0, value.length);
}

/** The end of the white space before the value of a line. */
export function valueStart(text: string, line: HeaderLine): number {
  let at = line.valueAt;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

/** The start of the white space after the value of a line; before the start of the value if it is empty. */
export function valueEnd(text: string, line: HeaderLine): number {
  let at = line.end;
  while (isSpace(text.charCodeAt(at - 1))) at -= 1;
  return at;
}

/** All white space around a line break is one space (RFC 3261 §25.1 LWS). */
function unfold(value: string): string {
  const lines = value.split("\r\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").join(" ");
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

/**
 * The part of a faulty request that an answer needs (RFC 3261 §8.2.6): undefined if it lacks Via, From, To, Call-ID or CSeq, or is not a
 * request.
 */
export function recover(octets: string): Request | undefined {
  const text = skipEmptyLines(octets).slice(0, defaultLimits.messageLength);
  const startEnd = text.indexOf("\r\n");
  const [method = "", requestUri = ""] = text.slice(0, Math.max(0, startEnd)).split(" ");
  if (!isToken(method) || text.startsWith("SIP/2.0 ")) return undefined;
  const lines: HeaderLine[] = [];
  const first = noLines();
  findLines(text, startEnd + 2, lines, first, defaultLimits);
  const isAnswerable = [roles.via, roles.from, roles.to, roles.callId, roles.cseq].every((role) => first[role] !== undefined);
  return isAnswerable ? { kind: "request", text, lines, first, bodyAt: text.length, method, requestUri } : undefined;
}

function skipEmptyLines(text: string): string {
  let at = 0;
  while (text.charCodeAt(at) === 13 && text.charCodeAt(at + 1) === 10) at += 2;
  return at === 0 ? text : text.slice(at);
}

function noLines(): (HeaderLine | undefined)[] {
  const none = undefined;
  return [none, none, none, none, none, none, none, none];
}

/** Collects the header lines; returns the offset of the body. */
function findLines(text: string, from: number, lines: HeaderLine[], first: (HeaderLine | undefined)[], limits: Limits): number | Fault {
  let at = from;
  let code = text.charCodeAt(at);
  let before = startLine;
  while (code !== 13 || text.charCodeAt(at + 1) !== 10) {
    let end = endOfLine(text, at);
    code = text.charCodeAt(end + 2);
    const isFolded = end > 0 && isSpace(code);
    if (isFolded) {
      end = endOfFolding(text, end);
      code = text.charCodeAt(end + 2);
    }
    if (end < 0) return fault(400, "the header has no end, or one of its lines has no CRLF");
    if (end - at > limits.headerLength) return fault(400, `a header line is longer than ${limits.headerLength} characters`);
    if (lines.length >= limits.headerCount) return fault(400, `there are more than ${limits.headerCount} header lines`);
    const usual = knownNameBehind(before, text, at);
    before = usual ?? before;
    const colon = usual === undefined ? text.indexOf(":", at) : at + usual.length;
    if (colon < 0 || colon > end) return fault(400, "a header line has no colon");
    const name = usual === undefined ? canonicalName(text.slice(at, endOfName(text, at, colon))) : usual.name;
    if (name === undefined) return fault(400, "a header name is not a token");
    const line = { name, at, valueAt: colon + 1, end, isFolded };
    lines.push(line);
    const role = usual === undefined ? roleOf(name) : usual.role;
    if (role !== roles.none) {
      if (first[role] === undefined) first[role] = line;
      else if (role !== roles.via) first[roles.none] = line;
    }
    at = end + 2;
  }
  return at + 2;
}

/** Whether there is a NUL before the body that is not escaped in a quoted text (RFC 3261 §25.1): some programs take it for the end of the text. */
function hasStrayNul(text: string, bodyAt: number): boolean {
  const first = text.indexOf("\0");
  if (first < 0 || first >= bodyAt) return false;
  let isQuoted = false;
  for (let at = 0; at < bodyAt; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0) return true;
    if (code === 34) isQuoted = !isQuoted;
    else if (code === 92 && isQuoted) at += 1;
  }
  return false;
}

/** The next CRLF; -1 if there is none, or a lone LF or CR before it: some elements treat these as the end of a line. */
function endOfLine(text: string, from: number): number {
  const feed = text.indexOf("\n", from);
  return feed > 0 && text.indexOf("\r", from) === feed - 1 ? feed - 1 : -1;
}

/** The CRLF after the last continuation line (RFC 3261 §7.3.1). */
function endOfFolding(text: string, first: number): number {
  let end = first;
  while (end > 0 && isSpace(text.charCodeAt(end + 2))) end = endOfLine(text, end + 2);
  return end;
}

/** The end of a header name: white space may stand before the colon (RFC 3261 §7.3.1). */
function endOfName(text: string, from: number, colon: number): number {
  let end = colon;
  while (end > from && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return end;
}

const fastRequestLine = /[\w\-.!%*+`'~]+ [!-;=?-~]+ SIP\/2\.0/y;

/** The request whose first line ends there, if the fast path can read that line; otherwise undefined. */
function readFastRequestLine(end: number, { text, lines, first, bodyAt }: Lines): Request | undefined {
  fastRequestLine.lastIndex = 0;
  if (!fastRequestLine.test(text) || fastRequestLine.lastIndex !== end) return undefined;
  const space = text.indexOf(" ");
  const requestUri = pieceOf(text, space + 1, end - 8);
  return { kind: "request", method: pieceOf(text, 0, space), requestUri, text, lines, first, bodyAt };
}

/** RFC 3261 §7.1 and §7.2: exactly one space between the parts. */
function readStartLine(line: string, parts: Lines): Message | Fault {
  if (line.charCodeAt(7) === 32 && /^SIP\/2\.0 /i.test(line)) return readStatusLine(line, parts);
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  const method = line.slice(0, first);
  const requestUri = line.slice(first + 1, last);
  const version = line.slice(last + 1);
  if (first < 1 || !isToken(method)) return fault(400, "the start line is neither a request nor a status line");
  if (version !== "SIP/2.0" && !/^SIP\/\d+\.\d+$/i.test(version)) return fault(400, "the request line does not end with a SIP version");
  if (last === first || requestUri === "" || /[\s<>]/.test(requestUri)) return fault(400, "the Request-URI is malformed");
  if (version !== "SIP/2.0" && version.toUpperCase() !== "SIP/2.0") return fault(505, `the version ${version} is not SIP/2.0`);
  return { kind: "request", method, requestUri, ...parts };
}

function readStatusLine(line: string, parts: Lines): Message | Fault {
  const code = line.slice(8, 11);
  const status = Number(code);
  if (!isDigits(code) || status < 100 || status > 699 || (line.length > 11 && line[11] !== " ") || /[\r\n]/.test(line))
    return fault(400, "the status line is malformed");
  const { text, lines, first, bodyAt } = parts;
  return { kind: "response", status, reason: line.slice(12), text, lines, first, bodyAt };
}

function fitBody(message: Message): Message | Fault {
  const line = message.first[roles.contentLength];
  if (line === undefined) return message;
  const promised = numberIn(message.text, line);
  if (promised < 0) return fault(400, "Content-Length is not a number");
  const end = message.bodyAt + promised;
  if (end === message.text.length) return message;
  return end > message.text.length
    ? fault(400, "the body is shorter than its Content-Length")
    : { ...message, text: message.text.slice(0, end) };
}
