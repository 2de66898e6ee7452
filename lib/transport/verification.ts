/** What is known of the caller's number, by the words that records and rules have. */
export type VerificationResult = "passed" | "failed" | "none";

/** How far the signer vouches for a number (RFC 8588 §4): full, partial, gateway. */
export type Attestation = "A" | "B" | "C";

/** The result of verifying the caller of a call (RFC 8224 §6.2). */
export interface Verification {
  readonly result: VerificationResult;
  /** The number that was verified, or was to be: digits without a plus; absent if the caller has none. */
  readonly number?: string;
  /** How far the signer vouches for it, and where the signer says that the call came from (RFC 8588). */
  readonly attestation?: Attestation;
  readonly originId?: string;
  /** Why it was not verified, with the status and reason of RFC 8224 §6.2.2 for those who refuse such calls. */
  readonly why?: string;
  readonly status?: number;
  readonly reason?: string;
}
