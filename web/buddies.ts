import { type UA, URI } from "jssip";
import { PendingWatchers } from "./pending-watchers.ts";
import { type Shown, readPresence } from "./presence-document.ts";

export interface Buddy extends Shown {
  /** `bob@example.com` */
  readonly address: string;
}

/** Milliseconds until a subscription that ended is asked for again. */
const retryAfter = 10_000;
const options = { expires: 600, contentType: "text/plain" };

/** Why a subscription was refused, by its status. */
const refusals: Readonly<Record<number, string>> = {
  403: "Cannot be watched from here",
  404: "There is no such user",
  480: "Has never registered",
};

/** JsSIP's Subscriber; its types need those of Node. */
interface Subscription {
  /** Tells of a refusal without its status. */
  _receiveSubscribeResponse(response: { readonly status_code: number }): void;
  on(event: "notify", listener: (isFinal: boolean, request: unknown, body: string | undefined) => void): void;
  on(event: "pending" | "terminated", listener: () => void): void;
  subscribe(): void;
  terminate(): void;
}

/** Those whom the user watches, each by a subscription, and those who wait to be let watch him. */
export class Buddies {
  readonly #watch: (buddies: readonly Buddy[]) => void;
  readonly #asked: (pending: readonly string[]) => void;
  readonly #buddies = new Map<string, Shown>();
  readonly #subscriptions = new Map<string, Subscription>();
  #ua: UA | undefined;
  #pending: PendingWatchers | undefined;
  #address = "";

  constructor(watch: (buddies: readonly Buddy[]) => void, asked: (pending: readonly string[]) => void) {
    this.#watch = watch;
    this.#asked = asked;
  }

  /** The phone has registered: whom it does not watch yet it watches from now on. */
  registered(ua: UA, address: string): void {
    if (ua !== this.#ua) this.#begin(ua, address);
    for (const buddy of this.#buddies.keys()) if (!this.#subscriptions.has(buddy)) this.#subscribe(buddy);
  }

  signedOut(): void {
    this.#ua = undefined;
    this.#pending?.end();
    this.#subscriptions.clear();
    this.#buddies.clear();
  }

  /** @returns false for what is neither an address nor a user name */
  add(written: string): boolean {
    const name = written.trim().replace(/^sips?:/, "");
    const address = name.includes("@") ? name : `${name}@${this.#address.slice(this.#address.indexOf("@") + 1)}`;
    if (!isAddress(address)) return false;
    this.#buddies.set(address, { lamp: "unknown", text: "…" });
    this.#keep();
    if (this.#ua !== undefined && !this.#subscriptions.has(address)) this.#subscribe(address);
    return true;
  }

  remove(address: string): void {
    this.#buddies.delete(address);
    this.#keep();
    const subscription = this.#subscriptions.get(address);
    this.#subscriptions.delete(address);
    subscription?.terminate();
  }

  #begin(ua: UA, address: string): void {
    this.#ua = ua;
    this.#address = address;
    this.#subscriptions.clear();
    this.#buddies.clear();
    for (const known of (JSON.parse(localStorage.getItem(storageOf(address)) ?? "[]") as string[]).filter(isAddress))
      this.#buddies.set(known, { lamp: "unknown", text: "…" });
    this.#draw();
    this.#pending = new PendingWatchers(ua, address, this.#asked);
    this.#pending.subscribe();
  }

  #subscribe(address: string): void {
    const ua = this.#ua;
    if (ua === undefined) return;
    const subscription = ua.subscribe(`sip:${address}`, "presence", "application/pidf+xml", options) as unknown as Subscription;
    this.#subscriptions.set(address, subscription);
    const isCurrent = () => ua === this.#ua && this.#subscriptions.get(address) === subscription;
    subscription.on("notify", (_isFinal, _request, body) => {
      if (isCurrent() && body !== undefined && body !== "") this.#show(address, readPresence(body));
    });
    subscription.on("pending", () => {
      if (isCurrent()) this.#show(address, { lamp: "waiting", text: "Asked" });
    });
    let refusal: string | undefined;
    const receive = subscription._receiveSubscribeResponse.bind(subscription);
    subscription._receiveSubscribeResponse = (response) => {
      refusal = refusals[response.status_code];
      receive(response);
    };
    subscription.on("terminated", () => {
      if (!isCurrent()) return;
      this.#subscriptions.delete(address);
      this.#show(address, { lamp: "refused", text: refusal ?? "Not to be seen" });
      setTimeout(() => {
        if (ua === this.#ua && ua.isRegistered() && !this.#subscriptions.has(address)) this.#subscribe(address);
      }, retryAfter);
    });
    subscription.subscribe();
  }

  #show(address: string, shown: Shown): void {
    if (!this.#buddies.has(address)) return;
    this.#buddies.set(address, shown);
    this.#draw();
  }

  #keep(): void {
    localStorage.setItem(storageOf(this.#address), JSON.stringify([...this.#buddies.keys()]));
    this.#draw();
  }

  #draw(): void {
    this.#watch([...this.#buddies].map(([address, shown]) => ({ address, ...shown })));
  }
}

function isAddress(address: string): boolean {
  return !/\s/.test(address) && URI.parse(`sip:${address}`) !== undefined;
}

function storageOf(address: string): string {
  return `offhook-buddies ${address}`;
}
