import { type UA, URI } from "jssip";
import type { Account } from "./account.ts";
import type { Companion } from "./companion.ts";
import { PendingWatchers } from "./pending-watchers.ts";
import type { Shown } from "./presence-document.ts";
import { PresenceSubscription } from "./presence-subscription.ts";
import type { Texts } from "./texts.ts";

export interface Contact extends Shown {
  /** `bob@example.com` */
  readonly address: string;
}

/** The users that the user watches, each by a subscription, and the users who ask for permission to watch. */
export class Contacts implements Companion {
  readonly #texts: Texts;
  readonly #unknown: Shown;
  readonly #watch: (contacts: readonly Contact[]) => void;
  readonly #asked: (pending: readonly string[]) => void;
  readonly #contacts = new Map<string, Shown>();
  readonly #subscriptions = new Map<string, PresenceSubscription>();
  #ua: UA | undefined;
  #pending: PendingWatchers | undefined;
  #address = "";

  constructor(texts: Texts, watch: (contacts: readonly Contact[]) => void, asked: (pending: readonly string[]) => void) {
    this.#texts = texts;
    this.#unknown = { lamp: "unknown", text: texts.presence.unknown };
    this.#watch = watch;
    this.#asked = asked;
  }

  registered(ua: UA, { address }: Account): void {
    if (ua === this.#ua) return this.#subscriptions.forEach((subscription) => subscription.connectionIsBack());
    this.#ua = ua;
    this.#address = address;
    const known = (JSON.parse(localStorage.getItem(storageOf(address)) ?? "[]") as string[]).filter(isAddress);
    for (const contact of known) this.#contacts.set(contact, this.#unknown);
    this.#draw();
    for (const contact of known) this.#subscribe(contact);
    this.#pending = new PendingWatchers(ua, address, this.#asked);
    this.#pending.subscribe();
  }

  signedOut(): void {
    this.#ua = undefined;
    this.#pending?.end();
    this.#asked([]);
    for (const subscription of this.#subscriptions.values()) subscription.end();
    this.#subscriptions.clear();
    this.#contacts.clear();
    this.#draw();
  }

  /** @returns false if it is neither an address nor a user name */
  add(written: string): boolean {
    const name = written.trim().replace(/^sips?:/, "");
    const address = name.includes("@") ? name : `${name}@${this.#address.slice(this.#address.indexOf("@") + 1)}`;
    if (!isAddress(address)) return false;
    if (this.#contacts.has(address)) return true;
    this.#contacts.set(address, this.#unknown);
    this.#keep();
    this.#subscribe(address);
    return true;
  }

  remove(address: string): void {
    this.#contacts.delete(address);
    this.#keep();
    this.#subscriptions.get(address)?.end();
    this.#subscriptions.delete(address);
  }

  #subscribe(address: string): void {
    if (this.#ua === undefined) return;
    this.#subscriptions.set(address, new PresenceSubscription(this.#ua, address, this.#texts, (shown) => this.#show(address, shown)));
  }

  #show(address: string, shown: Shown): void {
    if (!this.#contacts.has(address)) return;
    this.#contacts.set(address, shown);
    this.#draw();
  }

  #keep(): void {
    localStorage.setItem(storageOf(this.#address), JSON.stringify([...this.#contacts.keys()]));
    this.#draw();
  }

  #draw(): void {
    this.#watch([...this.#contacts].map(([address, shown]) => ({ address, ...shown })));
  }
}

function isAddress(address: string): boolean {
  return !/\s/.test(address) && URI.parse(`sip:${address}`) !== undefined;
}

function storageOf(address: string): string {
  return `offhook-buddies ${address}`;
}
