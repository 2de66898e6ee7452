/** D1 did not answer. The answer to the request is 503 with Retry-After, and not that a user does not exist. */
export class DirectoryUnavailable extends Error {
  override readonly name = "DirectoryUnavailable";
}

/** Why the directory refuses a change: what it is about is not there, is another's, or is incomplete. */
export type RefusalReason = "missing" | "taken" | "incomplete";

/** The directory refuses; the message says why, with the name of the member. */
export class DirectoryRefusal extends Error {
  override readonly name = "DirectoryRefusal";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
