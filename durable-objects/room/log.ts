import { type Message, type Request, headerValue } from "../../lib/syntax/message.ts";
import type { Recorder } from "./record.ts";

/** What an administrator sees of a home, or of the door: its last messages, and a line for each request and final response. */
export class Log {
  readonly #recorder: Recorder;
  readonly #home: string;
  readonly #isLogging: boolean;

  constructor(recorder: Recorder, home: string, isLogging: boolean) {
    this.#recorder = recorder;
    this.#home = home;
    this.#isLogging = isLogging;
  }

  /** A message that came in on a flow. */
  received(now: number, flow: string, message: Message): void {
    this.#recorder.keep(now, "in", flow, message.text);
    if (!this.#isLogging || (message.kind === "response" && message.status < 200)) return;
    const what =
      message.kind === "request"
        ? { method: message.method, uri: message.requestUri }
        : { status: message.status, method: headerValue(message, "cseq")?.split(/\s+/)[1] };
    this.#write({ direction: "in", ...what, callId: headerValue(message, "call-id"), flow });
  }

  /** What came in could not be read. */
  unreadable(now: number, flow: string, text: string, why: string): void {
    this.#recorder.keep(now, "in", flow, text);
    this.note(now, flow, why);
  }

  /** A message that was passed on; its line was written where it came in. */
  passed(now: number, flow: string, text: string): void {
    this.#recorder.keep(now, "out", flow, text);
  }

  /** An answer of our own making. */
  answered(now: number, flow: string, text: string, status: number, request: Request, why?: string): void {
    this.#recorder.keep(now, "out", flow, text);
    if (!this.#isLogging || status < 200) return;
    const reason = why === undefined ? {} : { why };
    this.#write({ direction: "out", status, method: request.method, ...reason, callId: headerValue(request, "call-id"), flow });
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
