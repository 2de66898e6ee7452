import type { UA } from "jssip";
import type { Account } from "./account.ts";
import type { Companion } from "./companion.ts";
import { PresenceSubscription } from "./presence-subscription.ts";
import type { Shown } from "./presence-document.ts";
import { Publication } from "./publication.ts";
import { remembered, remember } from "./remembered.ts";
import type { Texts } from "./texts.ts";

/** The user's own presence, and what others see of it: the user watches themselves. */
export class OwnState implements Companion {
  readonly #texts: Texts;
  readonly #show: (mood: string, seen: Shown | undefined) => void;
  #mood = remembered("mood") ?? "";
  #seen: Shown | undefined;
  #ua: UA | undefined;
  #publication: Publication | undefined;
  #subscription: PresenceSubscription | undefined;

  constructor(texts: Texts, show: (mood: string, seen: Shown | undefined) => void) {
    this.#texts = texts;
    this.#show = show;
  }

  registered(ua: UA, { address }: Account): void {
    if (ua === this.#ua) return this.#subscription?.connectionIsBack();
    this.#ua = ua;
    this.#publication = new Publication(ua, address);
    if (this.#mood !== "") this.#publication.say(this.#mood);
    this.#subscription = new PresenceSubscription(ua, address, this.#texts, (seen) => {
      this.#seen = seen;
      this.#draw();
    });
    this.#draw();
  }

  /** @param activity "" for none */
  say(activity: string): void {
    this.#mood = activity;
    remember("mood", activity === "" ? undefined : activity);
    this.#publication?.say(activity);
    this.#draw();
  }

  /** The publication is removed: a reloaded page publishes it again. */
  leaving(): void {
    this.#publication?.say("");
  }

  signedOut(): void {
    this.#ua = undefined;
    this.#publication?.end();
    this.#publication = undefined;
    this.#subscription?.end();
    this.#seen = undefined;
    this.#mood = "";
    remember("mood", undefined);
    this.#draw();
  }

  #draw(): void {
    this.#show(this.#mood, this.#seen);
  }
}
