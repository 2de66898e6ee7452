import { maskUri } from "../lib/syntax/masks.ts";
import { relayedLimits } from "../lib/syntax/limits.ts";
import { type Message, type Request, headerValue, parseMessage } from "../lib/syntax/message.ts";
import { isFault } from "../lib/syntax/fault.ts";
import { plainHash } from "../lib/syntax/plain-hash.ts";
import type { FailureRecord } from "../lib/failed-call.ts";
import type { Activity } from "./activity-data-points.ts";
import { type TraceRecorder, methodOfResponse, warningIn } from "./trace-recorder.ts";

/** Requests whose time of arrival is remembered, to log their duration. */
const maxBegun = 200;
/** Characters of a reason phrase, or of a Warning text. */
const maxReason = 200;

/**
 * The log of a home or of the edge proxy for an administrator: its last messages, failed calls, and a line for each request and final
 * response.
 */
export class Log {
  readonly #recorder: TraceRecorder;
  readonly #home: string;
  readonly #isLogging: boolean;
  readonly #failed: FailureRecord | undefined;
  readonly #activity: Activity | undefined;
  /** Milliseconds, by a mark of Call-ID and CSeq, the oldest first; lost when the object sleeps. */
  readonly #begun = new Map<string, number>();

  constructor(recorder: TraceRecorder, home: string, isLogging: boolean, failed?: FailureRecord, activity?: Activity) {
    this.#recorder = recorder;
    this.#failed = failed;
    this.#activity = activity;
    this.#home = home;
    this.#isLogging = isLogging;
  }

  /** A message that arrived on a flow. @param octets its frame */
  received(now: number, flow: string, message: Message, octets?: string): void {
    this.#recorder.keep(now, "in", flow, message.text, message.text === octets);
    if (!this.#isLogging || (message.kind === "response" && message.status < 200)) return;
    if (message.kind === "request" && message.method !== "ACK") this.#begin(message, now);
    const what =
      message.kind === "request"
        ? { method: message.method, uri: maskUri(message.requestUri) }
        : { status: message.status, method: headerValue(message, "cseq")?.split(/\s+/)[1] };
    this.#write({ direction: "in", ...what, callId: headerValue(message, "call-id"), flow });
  }

  /** The input could not be parsed. */
  unreadable(now: number, flow: string, text: string, why: string): void {
    this.#recorder.keep(now, "in", flow, text);
    this.note(now, flow, why);
  }

  /** A forwarded message; its line was written where it arrived. */
  passed(now: number, flow: string, text: string): void {
    this.#recorder.keep(now, "out", flow, text);
  }

  /**
   * Our own answer.
   * @param isKnown whether the flow is authenticated: only then it may cost a row
   */
  answered(now: number, flow: string, text: string, status: number, request: Request, why?: string, isKnown = true): void {
    this.#recorder.keep(now, "out", flow, text);
    if (isKnown && status >= 400 && request.method === "INVITE") this.#refused(now, flow, text, request, why);
    if (isKnown) this.#activity?.responded(request.method, status);
    if (!this.#isLogging || status < 200) return;
    this.#write({ ...this.#final(text, request, now), ...(why === undefined ? {} : { why }), flow });
  }

  #refused(now: number, flow: string, final: string, request: Request, why: string | undefined): void {
    this.#failed?.keep(now, { side: "caller", final, flow, since: this.#begun.get(markOf(request)), why });
  }

  /**
   * A final response to the sender of a request: for every INVITE, and every refusal. Other 2xx have their line where their phone is.
   * @param flow "-" if it goes to another server
   * @param since when the request came, in milliseconds, if the caller of this knows it better
   * @param why if we refused it
   */
  concluded(now: number, flow: string, status: number, text: string, since?: number, why?: string): void {
    if (status < 200) return;
    this.#activity?.responded(methodOfResponse(text), status);
    if (!this.#isLogging || (status < 300 && methodOfResponse(text) !== "INVITE")) return;
    const response = parseMessage(text, relayedLimits);
    if (!isFault(response)) this.#write({ ...this.#final(text, response, now, since), ...(why === undefined ? {} : { why }), flow });
  }

  #final(text: string, message: Message, now: number, since = this.#begun.get(markOf(message))): Record<string, unknown> {
    const status = Number(text.slice(8, 11));
    const reason = text.slice(12, text.indexOf("\r\n")).slice(0, maxReason);
    const method = message.kind === "request" ? message.method : headerValue(message, "cseq")?.split(/\s+/)[1];
    const why = status < 300 ? undefined : warningIn(text);
    const took = since === undefined ? {} : { ms: now - since };
    const callId = headerValue(message, "call-id");
    return { direction: "out", status, method, reason, ...(why === undefined ? {} : { why }), callId, ...took };
  }

  #begin(request: Request, now: number): void {
    const mark = markOf(request);
    if (!this.#begun.has(mark)) this.#begun.set(mark, now);
    const oldest = this.#begun.keys().next();
    if (this.#begun.size > maxBegun && oldest.done !== true) this.#begun.delete(oldest.value);
  }

  /** An event without a message. */
  note(now: number, flow: string, text: string): void {
    this.#recorder.keep(now, "note", flow, text);
    if (this.#isLogging) this.#write({ note: text, flow });
  }

  #write(line: Record<string, unknown>): void {
    console.log(JSON.stringify({ ...line, home: this.#home }));
  }
}

/** A short mark for a request and its responses, without any of their text. */
function markOf(message: Message): string {
  return plainHash(`${headerValue(message, "call-id")} ${headerValue(message, "cseq")}`);
}
