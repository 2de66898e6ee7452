import type { UA } from "jssip";

/** A part of the page that works as long as the phone is signed in. */
export interface Companion {
  /** The phone has registered, for the first time or again: each refresh tells. */
  registered(ua: UA, address: string): void;
  /** The connection is still there, and a last word can be said. */
  leaving?(): void;
  /** Forgets all that belonged to the account. */
  signedOut(): void;
}
