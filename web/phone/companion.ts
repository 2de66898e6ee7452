import type { UA } from "jssip";
import type { Account } from "./account.ts";

/** A part of a phone that works while the phone is signed in. */
export interface Companion {
  /** The phone has registered, for the first time or again: called after each refresh. */
  registered(ua: UA, account: Account): void;
  /** The connection is still open, and a last message can be sent. */
  leaving?(): void;
  /** Deletes all data of the account. */
  signedOut(): void;
}
