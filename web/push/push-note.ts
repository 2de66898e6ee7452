/** Who calls, or has written. */
export interface Sender {
  /** A URI. */
  readonly from: string;
  readonly name?: string;
}

/** What a push message says (docs/push.md). */
export interface PushNote {
  readonly ringing: readonly Sender[];
  readonly missed: { readonly count: number; readonly last: Sender } | null;
  readonly messages: { readonly count: number; readonly last: Sender } | null;
}
