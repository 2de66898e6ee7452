import type { UA } from "jssip";
import type { IncomingResponse } from "jssip/lib/SIPMessage";
import { composePresence } from "./presence-document.ts";
import { send } from "./request.ts";

/** Seconds. */
const lifetime = 600;
/** Seconds until a failed publication is tried again: the first wait, and the longest. */
const firstWait = 30;
const maxWait = 3600;

/** The user's activity (PUBLISH, RFC 3903), refreshed as long as the page is open. One request at a time. */
export class Publication {
  readonly #ua: UA;
  readonly #address: string;
  /** The activity to publish, and the published one; "" for none. */
  #wanted = "";
  #published = "";
  #tag: string | undefined;
  #wait = firstWait;
  #isAsking = false;
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ua: UA, address: string) {
    this.#ua = ua;
    this.#address = address;
  }

  /** @param activity "" removes the publication */
  say(activity: string): void {
    this.#wanted = activity;
    if (!this.#isAsking && activity !== this.#published) this.#publish();
  }

  end(): void {
    this.say("");
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }

  /** The same activity again is a refresh, and needs no document (RFC 3903 §4.1). */
  #publish(): void {
    clearTimeout(this.#timer);
    const activity = this.#wanted;
    if (activity === "" && this.#tag === undefined) return;
    const isKnown = this.#tag !== undefined && activity === this.#published;
    const body = activity === "" || isKnown ? "" : composePresence(`sip:${this.#address}`, activity);
    const headers = [
      "Event: presence",
      `Expires: ${activity === "" ? 0 : lifetime}`,
      ...(this.#tag === undefined ? [] : [`SIP-If-Match: ${this.#tag}`]),
      ...(body === "" ? [] : ["Content-Type: application/pidf+xml"]),
    ];
    this.#isAsking = true;
    send(this.#ua, "PUBLISH", this.#address, { headers, body }, (response) => this.#answered(response, activity));
  }

  #answered(response: IncomingResponse | undefined, activity: string): void {
    this.#isAsking = false;
    if (this.#hasEnded) return;
    const status = response?.status_code ?? 408;
    // RFC 3903 §4.1: a publication that the server no longer knows is published again.
    const isForgotten = status === 412;
    const wait = status < 300 ? lifetime / 2 : this.#wait;
    this.#wait = status < 300 ? firstWait : Math.min(this.#wait * 2, maxWait);
    if (status < 300 || isForgotten) {
      this.#published = isForgotten ? "" : activity;
      this.#tag = isForgotten || activity === "" ? undefined : response?.getHeader("SIP-ETag");
      if (this.#wanted !== this.#published) return this.#publish();
    }
    if (this.#wanted === "" && this.#published === "") return;
    this.#timer = setTimeout(() => this.#publish(), wait * 1000);
  }
}
