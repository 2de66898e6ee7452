import type { Message } from "../../lib/syntax/message.ts";
import { headerValue } from "../../lib/syntax/message.ts";
import type { Recorder } from "./record.ts";

/** What an administrator sees of a home: its last messages, and a line for each request and final response. */
export class Log {
  readonly #recorder: Recorder;
  readonly #home: string;
  readonly #isLogging: boolean;

  constructor(recorder: Recorder, home: string, isLogging: boolean) {
    this.#recorder = recorder;
    this.#home = home;
    this.#isLogging = isLogging;
  }

  /** A message that came in or goes out on a flow. */
  message(now: number, direction: "in" | "out", flow: string, message: Message): void {
    this.#recorder.keep(now, direction, flow, message.text);
    if (!this.#isLogging || (message.kind === "response" && message.status < 200)) return;
    this.#write({
      direction,
      ...(message.kind === "request" ? { method: message.method, uri: message.requestUri } : { status: message.status, cseq: headerValue(message, "cseq") }),
      callId: headerValue(message, "call-id"),
      flow,
    });
  }

  /** A message of our own making. */
  text(now: number, direction: "in" | "out", flow: string, text: string): void {
    this.#recorder.keep(now, direction, flow, text);
  }

  /** An answer of our own making. */
  answer(now: number, flow: string, text: string, status: number, method: string, callId: string): void {
    this.#recorder.keep(now, "out", flow, text);
    if (this.#isLogging && status >= 200) this.#write({ direction: "out", status, method, callId, flow });
  }

  /** Something that happened without a message. */
  note(now: number, flow: string, text: string): void {
    this.#recorder.keep(now, "note", flow, text);
    if (this.#isLogging) this.#write({ note: text, flow });
  }

  #write(line: Record<string, unknown>): void {
    console.log(JSON.stringify({ ...line, home: this.#home }));
  }
}
