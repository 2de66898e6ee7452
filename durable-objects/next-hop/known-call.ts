import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { ReturnAddress } from "../../lib/transport/return-address.ts";

/** Where a call comes from. */
export interface Sender {
  /** The home of its caller; undefined if it is unknown. */
  readonly home: HomeName | undefined;
  /** The response context that has forwarded it here, if that is in another home: it sees nothing of the end of the call. */
  readonly forwardedBy?: ReturnAddress | undefined;
  /** It goes to a trunk, and is not from it. */
  readonly isToTrunk?: boolean;
  /** The number that is called at a trunk. */
  readonly dialled?: string | undefined;
  /** The transaction at the caller's own home, if that has sent it here: another home may have sent another branch of it. */
  readonly transaction?: string;
}

/** An INVITE of it: a call may fork before it comes here, or here. */
export interface Invitation extends Sender {
  /** What its responses have in common with it. */
  readonly branch?: string;
  /** Of a BYE for the other server. */
  readonly requestUri?: string;
  /** A mark of the other server's Contact. */
  readonly target?: string | undefined;
}

/** A call on a connection. */
export interface Call extends Sender {
  /** Its INVITE: the From tag and the CSeq number. What forks has the same ones. Undefined if its beginning is not known any more. */
  readonly invite: string | undefined;
  /** The branches whose INVITE has no final response, while the call is unanswered. */
  readonly open: readonly string[];
  readonly isAnswered: boolean;
  /** Milliseconds: when it was answered. */
  readonly since?: number;
  /** By name: each phone that answers creates one (RFC 3261 §13.2.2.4), and the call ends with the last. */
  readonly dialogs: readonly string[];
  /** Marks of the Contacts of the other server's end, the newest last. */
  readonly targets: readonly string[];
  /** The number that was called at a trunk. */
  readonly dialled?: string | undefined;
  /** Milliseconds: when it no longer counts if no further message of it comes. */
  readonly until: number;
}

/** What is known of the dialog of a request. */
export type KnownDialog =
  | { readonly kind: "known"; readonly targets: readonly string[]; readonly dialled: string | undefined }
  /** It is over, or the call has other dialogs. */
  | { readonly kind: "none" }
  /** Nothing is known of its call: perhaps the memory of it is lost. */
  | { readonly kind: "unknown" };
