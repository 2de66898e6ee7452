import { maskUri, mediaKeys, withoutPushSecrets } from "./syntax/masks.ts";
import type { TraceEntry } from "./trace.ts";
import { toOctets } from "./syntax/octets.ts";

/** A failed call, as stored at the home of one of its ends. */
export interface FailedCall {
  /** Milliseconds since 1970; when its final response was sent. */
  readonly at: number;
  readonly callId: string;
  /** Whether the user of this home placed the call, or was called. */
  readonly side: "caller" | "callee";
  /** The final response: status code and reason phrase. */
  readonly status: number;
  readonly reason: string;
  /** Our own explanation, if we refused the call. */
  readonly why?: string;
  /** Values of the headers. */
  readonly from: string;
  readonly to: string;
  /** Milliseconds from the INVITE to the final response, if that is known. */
  readonly ms?: number;
  /** Oldest first: the INVITE, and the messages that belong to it. */
  readonly messages: readonly TraceEntry[];
}

/** Characters that are kept of one message. */
const maxMessage = 6144;
/** Octets that are kept of all messages of a call. */
const maxOctets = 16_384;

const ofCalls = ["INVITE", "ACK", "CANCEL", "PRACK"];

/** Whether a message, perhaps cut, has this Call-ID. */
export function hasCallId(text: string, callId: string): boolean {
  return text.includes(callId) && valueIn(headOf(text), ["call-id", "i"]) === callId;
}

/** The Call-ID of a message, perhaps cut; undefined if it has none. */
export function callIdOf(text: string): string | undefined {
  return headerIn(text, ["call-id", "i"]);
}

/** The value of the first header of a message, perhaps cut, that has one of these names; undefined if there is none. */
export function headerIn(text: string, names: readonly string[]): string | undefined {
  return valueIn(headOf(text), names);
}

/** Whether a message, perhaps cut, is one of those that set a call up (RFC 3261 §13, RFC 3262), or answers one. */
export function isOfCall(text: string, callId: string): boolean {
  const method = valueIn(headOf(text), ["cseq"])?.split(/[ \t]+/)[1] ?? "";
  return ofCalls.includes(method) && hasCallId(text, callId);
}

/** A message without what must not be stored for a day: credentials, media keys, and bodies that are not SDP. */
export function withoutSecrets(text: string): string {
  const head = headOf(text);
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  const lines = head.map((line) => line.replace(/^((?:Proxy-)?Authorization)[ \t]*:.*$/gims, "$1: ***"));
  return `${maskUri(withoutPushSecrets(lines.join("\r\n")))}\r\n\r\n${text.includes("\r\n\r\n") ? shownBody(body, valueIn(head, ["content-type", "c"]) ?? "") : ""}`;
}

/** The messages of a call that fit: the first, and the newest of the others; each of them cut. */
export function fitting(messages: readonly TraceEntry[]): TraceEntry[] {
  const [first, ...others] = messages.map((message) => ({ ...message, text: cut(message.text) }));
  if (first === undefined) return [];
  let left = maxOctets - sizeOf(first);
  const newest: TraceEntry[] = [];
  for (const message of others.reverse()) {
    left -= sizeOf(message);
    if (left < 0) break;
    newest.unshift(message);
  }
  const missing = others.length - newest.length;
  const gap: TraceEntry = { at: first.at, direction: "note", flow: "-", text: `the next ${missing} messages are not kept` };
  return [first, ...(missing === 0 ? [] : [gap]), ...newest];
}

function cut(text: string): string {
  let kept = text.slice(0, maxMessage);
  while (sizeOf({ text: kept }) > maxMessage + 256) kept = kept.slice(0, kept.length / 2);
  return kept.length === text.length ? text : `${kept.toWellFormed()}\r\n(${text.length - kept.length} more characters are not kept)`;
}

function sizeOf(message: object): number {
  return toOctets(JSON.stringify(message)).length;
}

/** Start line and header lines, each in one piece (RFC 3261 §7.3.1). */
function headOf(text: string): string[] {
  const end = text.indexOf("\r\n\r\n");
  const head = end < 0 ? text : text.slice(0, end);
  return head.replace(/\r\n[ \t]/g, " ").split("\r\n");
}

function valueIn(lines: readonly string[], names: readonly string[]): string | undefined {
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon >= 0 && names.includes(line.slice(0, colon).trim().toLowerCase())) return line.slice(colon + 1).trim();
  }
  return undefined;
}

function shownBody(body: string, type: string): string {
  if (body === "") return "";
  if (!/^application\/sdp[ \t]*(?:;|$)/i.test(type)) return `(a body of ${body.length} characters is not kept)`;
  return body.replace(mediaKeys, "$1***");
}

/** How a call has ended. */
export interface Failure {
  readonly side: FailedCall["side"];
  /** The text of its final response, and its target: "-" for another home or server. */
  readonly final: string;
  readonly flow: string;
  /** The INVITE as it came and its flow, in case the trace does not have it. */
  readonly invite?: { readonly text: string; readonly flow: string };
  /** Milliseconds, if known: when the INVITE came. */
  readonly since?: number | undefined;
  readonly why?: string | undefined;
  /** The caller's home; absent for this user's own calls. */
  readonly caller?: string;
}

/** Stores failed calls. */
export interface FailureRecord {
  keep(now: number, failure: Failure): void;
}
