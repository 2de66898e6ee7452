/** D1 did not answer. The request is answered with 503 and Retry-After, and not as if the user did not exist. */
export class DirectoryUnavailable extends Error {
  override readonly name = "DirectoryUnavailable";
}

/** Why the directory refuses a change: its object does not exist, a name is already in use, or it is incomplete. */
export type RefusalReason = "missing" | "taken" | "incomplete";

/** The directory refuses; the message has the reason, with the name of the member. */
export class DirectoryRefusal extends Error {
  override readonly name = "DirectoryRefusal";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
