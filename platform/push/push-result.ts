/** What became of a push notification: the service has it, or does not know the device any more, or it has failed. */
export type PushResult =
  | { readonly kind: "sent" | "gone"; readonly status: number }
  /** `isPassing`: a later attempt may succeed. */
  | { readonly kind: "failed"; readonly why: string; readonly isPassing: boolean };

/** A request to a push notification service: always a POST. */
export interface PushHttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** The topic of all notes for a device: a newer one replaces an older one that has not been delivered (RFC 8030 §5.4). */
export const topic = "offhook";
