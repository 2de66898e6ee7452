import type { UA } from "jssip";
import type { IncomingResponse } from "jssip/lib/SIPMessage";
import { composePresence } from "./presence-document.ts";
import { send } from "./request.ts";

/** Seconds. */
const lifetime = 600;

/** What the user says he is up to (PUBLISH, RFC 3903), kept up as long as the page is there. */
export class Publication {
  readonly #ua: UA;
  readonly #address: string;
  #tag: string | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(ua: UA, address: string) {
    this.#ua = ua;
    this.#address = address;
  }

  /** @param activity "" takes back what was said */
  say(activity: string): void {
    clearInterval(this.#timer);
    if (activity === "") {
      if (this.#tag !== undefined) this.#send("", 0);
      return;
    }
    const body = composePresence(`sip:${this.#address}`, activity);
    this.#send(body, lifetime);
    this.#timer = setInterval(() => this.#send(this.#tag === undefined ? body : "", lifetime), lifetime * 500);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #send(body: string, expires: number): void {
    const headers = [
      "Event: presence",
      `Expires: ${expires}`,
      ...(this.#tag === undefined ? [] : [`SIP-If-Match: ${this.#tag}`]),
      ...(body === "" ? [] : ["Content-Type: application/pidf+xml"]),
    ];
    send(this.#ua, "PUBLISH", this.#address, { headers, body }, (response) => this.#answered(response, body, expires));
  }

  #answered(response: IncomingResponse, body: string, expires: number): void {
    const { status_code: status } = response;
    this.#tag = status < 300 && expires > 0 ? response.getHeader("SIP-ETag") : undefined;
    // RFC 3903 §4.1: what the server does not know any more is said anew.
    if (status === 412 && body !== "") this.#send(body, expires);
  }
}
