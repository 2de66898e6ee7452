import type { UA } from "jssip";

/** A part of the page that works while the phone is signed in. */
export interface Companion {
  /** The phone has registered, for the first time or again: called after each refresh. */
  registered(ua: UA, address: string): void;
  /** The connection is still open, and a last message can be sent. */
  leaving?(): void;
  /** Deletes all data of the account. */
  signedOut(): void;
}
