import { toOctets } from "../syntax/octets.ts";
import type { CallDetails } from "../transport/flow.ts";

/**
 * Higher than any that a phone has used in the dialog (RFC 3261 §12.2.2), whose own number nobody here knows; below 2**31 (§8.1.1.5),
 * also for a trunk where numbers are shifted by one.
 */
const lastNumber = 2_147_483_000;

/** What a BYE of ours says besides what the dialog does. */
export interface HangUp {
  /** Of its Via. */
  readonly host: string;
  readonly branch: string;
  /** For people who look into logs (RFC 3326); no quotation marks. */
  readonly why: string;
}

/** A BYE (RFC 3261 §15.1.1) in the name of one end of a call, for the home of the other, which puts its Via on top. */
export function composeBye(details: CallDetails, { host, branch, why }: HangUp): string {
  const { target, local = "sip:anonymous@anonymous.invalid", localTag, remote, remoteTag, callId } = details;
  const tag = (value: string) => (value === "" ? "" : `;tag=${value}`);
  const lines = [
    `BYE ${target === "" ? remote : target} SIP/2.0`,
    `Via: SIP/2.0/WSS ${host};branch=${branch}`,
    "Max-Forwards: 70",
    `From: <${local}>${tag(localTag)}`,
    `To: <${remote}>${tag(remoteTag)}`,
    `Call-ID: ${callId}`,
    `CSeq: ${lastNumber} BYE`,
    `Reason: SIP;cause=480;text="${why}"`,
    "Content-Length: 0",
  ];
  return toOctets(`${lines.join("\r\n")}\r\n\r\n`);
}
