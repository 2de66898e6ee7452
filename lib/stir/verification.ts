import { Fault, fault } from "../syntax/fault.ts";
import type { Verification, VerificationResult } from "../transport/verification.ts";

/** Statuses that do not mean that a signature is wrong: nothing was signed, or its certificate could not be had. */
const unproven = [428, 436];

/** The result if a call could not be verified. */
export function notVerified({ fault: why, status, reason }: Fault, number?: string): Verification {
  const result = unproven.includes(status) ? "none" : "failed";
  return { result, ...(number === undefined ? {} : { number }), why, status, reason };
}

/** The answer to a call whose caller is not verified, for those who refuse such calls (RFC 8224 §6.2.2); undefined if the caller is. */
export function refusalOfUnverified({ result, status, reason, why }: Verification): Fault | undefined {
  if (result === "passed") return undefined;
  if (status === undefined) return fault(428, "the number of the caller is not verified");
  return new Fault(`only calls with a verified number are accepted: ${why}`, status, undefined, reason);
}

/** The values of `verstat` (3GPP TS 24.229 §7.2A.20). */
const values: Readonly<Record<VerificationResult, string>> = {
  passed: "TN-Validation-Passed",
  failed: "TN-Validation-Failed",
  none: "No-TN-Validation",
};

export function verstatOf({ result }: Pick<Verification, "result">): string {
  return values[result];
}
