/** A call of a user as the API returns it. */
export interface CallView {
  /** The same at both ends of a call; it stays the same until the call ends. */
  readonly id: string;
  readonly state: "calling" | "ringing" | "answered";
  /** Undefined if too little is known. */
  readonly direction: "outgoing" | "incoming" | undefined;
  readonly callId: string | undefined;
  /** The URI of the other end. */
  readonly remote: string | undefined;
  /** Milliseconds: of the INVITE, or of the answer; undefined while it rings at the user's phones. */
  readonly since: number | undefined;
}

/** What became of the attempt to end a call. "unclear": too little is known of it to send a BYE. */
export type EndOfCall = "ended" | "unknown" | "unclear";

/** What became of the wish to connect a user with an address: the call, as in a `CallView`, or why there is none. */
export type ConnectedCall =
  | { readonly kind: "begun"; readonly id: string; readonly callId: string }
  | { readonly kind: "refused"; readonly status: number; readonly why: string };
