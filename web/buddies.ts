import { type UA, URI } from "jssip";
import type { Companion } from "./companion.ts";
import { PendingWatchers } from "./pending-watchers.ts";
import type { Shown } from "./presence-document.ts";
import { PresenceSubscription } from "./presence-subscription.ts";

export interface Buddy extends Shown {
  /** `bob@example.com` */
  readonly address: string;
}

const unknown: Shown = { lamp: "unknown", text: "…" };

/** The users that the user watches, each by a subscription, and the users who ask for permission to watch. */
export class Buddies implements Companion {
  readonly #watch: (buddies: readonly Buddy[]) => void;
  readonly #asked: (pending: readonly string[]) => void;
  readonly #buddies = new Map<string, Shown>();
  readonly #subscriptions = new Map<string, PresenceSubscription>();
  #ua: UA | undefined;
  #pending: PendingWatchers | undefined;
  #address = "";

  constructor(watch: (buddies: readonly Buddy[]) => void, asked: (pending: readonly string[]) => void) {
    this.#watch = watch;
    this.#asked = asked;
  }

  registered(ua: UA, address: string): void {
    if (ua === this.#ua) return this.#subscriptions.forEach((subscription) => subscription.connectionIsBack());
    this.#ua = ua;
    this.#address = address;
    const known = (JSON.parse(localStorage.getItem(storageOf(address)) ?? "[]") as string[]).filter(isAddress);
    for (const buddy of known) this.#buddies.set(buddy, unknown);
    this.#draw();
    for (const buddy of known) this.#subscribe(buddy);
    this.#pending = new PendingWatchers(ua, address, this.#asked);
    this.#pending.subscribe();
  }

  signedOut(): void {
    this.#ua = undefined;
    this.#pending?.end();
    this.#asked([]);
    for (const subscription of this.#subscriptions.values()) subscription.end();
    this.#subscriptions.clear();
    this.#buddies.clear();
    this.#draw();
  }

  /** @returns false if it is neither an address nor a user name */
  add(written: string): boolean {
    const name = written.trim().replace(/^sips?:/, "");
    const address = name.includes("@") ? name : `${name}@${this.#address.slice(this.#address.indexOf("@") + 1)}`;
    if (!isAddress(address)) return false;
    if (this.#buddies.has(address)) return true;
    this.#buddies.set(address, unknown);
    this.#keep();
    this.#subscribe(address);
    return true;
  }

  remove(address: string): void {
    this.#buddies.delete(address);
    this.#keep();
    this.#subscriptions.get(address)?.end();
    this.#subscriptions.delete(address);
  }

  #subscribe(address: string): void {
    if (this.#ua === undefined) return;
    this.#subscriptions.set(address, new PresenceSubscription(this.#ua, address, (shown) => this.#show(address, shown)));
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
