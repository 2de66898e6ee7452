import type { Attestation } from "../transport/verification.ts";

/** Who calls by a trunk: a user of its domain with a number of the domain or with another one, or another caller. */
export type CallerStanding = "own number" | "other number" | "elsewhere";

/** What a domain signs for each kind of caller; `none`: such calls are not signed. ATIS-1000074 has A, B and C for them. */
export interface AttestationPolicy {
  readonly ownNumber: Attestation | "none";
  readonly otherNumber: Attestation | "none";
  readonly elsewhere: Attestation | "none";
}

/** What is signed for a caller; undefined: nothing. */
export function attestationFor(policy: AttestationPolicy, standing: CallerStanding): Attestation | undefined {
  const choices = { "own number": policy.ownNumber, "other number": policy.otherNumber, elsewhere: policy.elsewhere };
  const chosen = choices[standing];
  return chosen === "none" ? undefined : chosen;
}
