import { toOctets } from "../syntax/octets.ts";

/** A text that an application sends in the name of a user. */
export interface ApplicationMessage {
  /** Canonical user parts. */
  readonly from: string;
  readonly to: string;
  readonly domain: string;
  readonly text: string;
  /** Names that nothing else has. */
  readonly callId: string;
  readonly branch: string;
  readonly tag: string;
}

/** MESSAGE (RFC 3428 §4), as a phone of the sender would send it: for the home of its recipient, which puts its own Via on top. */
export function composeApplicationMessage({ from, to, domain, text, callId, branch, tag }: ApplicationMessage): string {
  const body = toOctets(text);
  const lines = [
    `MESSAGE sip:${to}@${domain} SIP/2.0`,
    `Via: SIP/2.0/WSS ${domain};branch=z9hG4bK${branch}`,
    "Max-Forwards: 70",
    `From: <sip:${from}@${domain}>;tag=${tag}`,
    `To: <sip:${to}@${domain}>`,
    `Call-ID: ${callId}`,
    "CSeq: 1 MESSAGE",
    "Content-Type: text/plain;charset=UTF-8",
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
