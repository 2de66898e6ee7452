import type { Keyring } from "../authentication/keyring.ts";
import { toOctets } from "../syntax/octets.ts";
import type { DialogEnd } from "../transport/envelope.ts";
import type { CallDetails } from "../transport/flow.ts";
import { endsOf, openRoute } from "./route-token.ts";

/**
 * Higher than any number that a phone has used in the dialog (RFC 3261 §12.2.2): the phone's own number is not known here. Below 2**31
 * (§8.1.1.5), also for a trunk where numbers are one higher.
 */
export const lastNumber = 2_147_483_000;

/** What a BYE of ours needs besides the details of the dialog. */
export interface HangUp {
  /** The host of its Via. */
  readonly host: string;
  readonly branch: string;
  /** Explanation for logs (RFC 3326); no quotation marks. */
  readonly why: string;
}

/** A BYE (RFC 3261 §15.1.1) in the name of one end of a call, for the home of the other end, which puts its Via on top. */
export function composeBye(details: CallDetails, { host, branch, why }: HangUp): string {
  const { target, local = "sip:anonymous@anonymous.invalid", localTag, remote, remoteTag, callId, routes = [] } = details;
  const tag = (value: string) => (value === "" ? "" : `;tag=${value}`);
  const lines = [
    `BYE ${target === "" ? remote : target} SIP/2.0`,
    `Via: SIP/2.0/WSS ${host};branch=${branch}`,
    "Max-Forwards: 70",
    ...routes.map((route) => `Route: ${route}`),
    `From: <${local}>${tag(localTag)}`,
    `To: <${remote}>${tag(remoteTag)}`,
    `Call-ID: ${callId}`,
    `CSeq: ${lastNumber} BYE`,
    `Reason: SIP;cause=480;text="${why}"`,
    "Content-Length: 0",
  ];
  return toOctets(`${lines.join("\r\n")}\r\n\r\n`);
}

/** The other end of a call; undefined if too little is known. */
export function farEnd(keyring: Keyring, { far, route, callId, localTag }: CallDetails): DialogEnd | undefined {
  if (far !== undefined || route === undefined) return far;
  const opened = openRoute(keyring, route, callId);
  return opened === undefined ? undefined : endsOf(opened, localTag).receiver;
}
