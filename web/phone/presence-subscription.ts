import type { UA } from "jssip";
import { type Shown, readPresence } from "./presence-document.ts";
import { type Texts, byStatus } from "./texts.ts";

const options = { expires: 600, contentType: "text/plain" };
const minute = 60_000;
/** Milliseconds until a failed subscription is tried again: the first wait, and the longest. */
const firstWait = 2 * minute;
const maxWait = 60 * minute;
/** Milliseconds, if the server has asked for a new subscription. */
const shortWait = 5000;

/** Reasons of a final NOTIFY (RFC 6665 §4.1.3): after the first ones the client subscribes again at once, after the others not at all. */
const passing = ["deactivated", "timeout"];
const lasting = ["rejected", "noresource", "invariant"];

/** JsSIP's codes for a SUBSCRIBE that had no answer, or could not be sent. */
const lost: readonly number[] = [0, 1];

/** JsSIP's Subscriber; its types need those of Node. */
interface Subscriber {
  /** Reports a refusal without its status. */
  _receiveSubscribeResponse(response: { readonly status_code: number }): void;
  on(event: "notify", listener: (isFinal: boolean, request: unknown, body: string | undefined) => void): void;
  on(event: "pending" | "active", listener: () => void): void;
  on(event: "terminated", listener: (code: number, reason: string | undefined, retryAfter: number | undefined) => void): void;
  subscribe(): void;
  terminate(): void;
}

/** One watched user: while the subscription fails it is tried again after minutes, which double. */
export class PresenceSubscription {
  readonly #ua: UA;
  readonly #address: string;
  readonly #texts: Texts;
  readonly #show: (shown: Shown) => void;
  #subscriber: Subscriber | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait = firstWait;
  #hasEnded = false;
  /** It ended because the connection was lost. */
  #isLost = false;

  constructor(ua: UA, address: string, texts: Texts, show: (shown: Shown) => void) {
    this.#ua = ua;
    this.#texts = texts;
    this.#address = address;
    this.#show = show;
    this.#subscribe();
  }

  /** The connection is back: a lost subscription is tried again at once. */
  connectionIsBack(): void {
    if (!this.#isLost) return;
    clearTimeout(this.#timer);
    this.#subscribe();
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#subscriber?.terminate();
  }

  #subscribe(): void {
    this.#isLost = false;
    const subscriber = this.#ua.subscribe(`sip:${this.#address}`, "presence", "application/pidf+xml", options) as unknown as Subscriber;
    this.#subscriber = subscriber;
    const whileWatching = (listener: () => void) => {
      if (!this.#hasEnded && this.#subscriber === subscriber) listener();
    };
    let refusal: string | undefined;
    const receive = subscriber._receiveSubscribeResponse.bind(subscriber);
    subscriber._receiveSubscribeResponse = (response) => {
      refusal = byStatus(this.#texts.presenceRefusal, response.status_code);
      receive(response);
    };
    subscriber.on("notify", (_isFinal, _request, body) => {
      if (body !== undefined && body !== "") whileWatching(() => this.#show(readPresence(body, this.#texts)));
    });
    subscriber.on("active", () => (this.#wait = firstWait));
    subscriber.on("pending", () => whileWatching(() => this.#show({ lamp: "waiting", text: this.#texts.presence.asked })));
    subscriber.on("terminated", (code, reason, retryAfter) => {
      whileWatching(() => {
        this.#isLost = lost.includes(code);
        this.#terminated(refusal, reason, retryAfter);
      });
    });
    subscriber.subscribe();
  }

  #terminated(refusal: string | undefined, reason = "", retryAfter = 0): void {
    this.#subscriber = undefined;
    const isPassing = this.#isLost || passing.includes(reason);
    if (!isPassing && reason !== "invariant") this.#show({ lamp: "refused", text: refusal ?? this.#texts.presence.notVisible });
    if (lasting.includes(reason)) return;
    const wait = Math.max(isPassing && this.#wait === firstWait ? shortWait : this.#wait, retryAfter * 1000);
    this.#wait = Math.min(this.#wait * 2, maxWait);
    this.#timer = setTimeout(() => this.#subscribe(), wait);
  }
}
