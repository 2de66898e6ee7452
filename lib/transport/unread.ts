import { toOctets } from "../syntax/octets.ts";

/** Octets that a client is sent before it is asked for a sign that it reads. */
export const octetsBeforeProbe = 1_048_576;
/** Octets that may wait for a client that gives no such sign in time: they are memory of ours, and the platform does not say how many wait. */
export const maxUnread = 8 * octetsBeforeProbe;
/** Milliseconds that a client has to answer: what waits for a phone comes all at once when it is back, and it reads that first. */
export const probeTimeout = 10_000;
/** Octets that may wait in all connections of a home together. */
export const maxUnreadAtHome = 4 * maxUnread;

/** Octets of a message that is sent though there is no room for large ones: what ends a call is short. */
export const smallMessage = 16_384;

/** A client that has been sent a lot and has been asked whether it reads. */
export interface Unread {
  /** What was sent since its last sign. */
  readonly octets: number;
  /** How much of that was before the question: its answer shows that this was read. */
  readonly asked: number;
  /** Milliseconds; when it was asked. */
  readonly at: number;
  /** Of the question: it stands in the branch, and only who has read the question knows it. */
  readonly token: string;
}

/** Where a probe goes, and how it is known. */
export interface Probe {
  /** A URI: the Contact of the phone, or the address of its user. */
  readonly target: string;
  readonly host: string;
  readonly branch: string;
  readonly token: string;
}

/** OPTIONS to a client (RFC 3261 §11): whatever it answers shows that it has read so far. */
export function composeProbe({ target, host, branch, token }: Probe): string {
  const lines = [
    `OPTIONS ${target} SIP/2.0`,
    `Via: SIP/2.0/WSS ${host};branch=${branch}`,
    "Max-Forwards: 0",
    `From: <sip:${host}>;tag=${token}`,
    `To: <${target}>`,
    `Call-ID: ${token}@${host}`,
    "CSeq: 1 OPTIONS",
    "Content-Length: 0",
  ];
  return toOctets(`${lines.join("\r\n")}\r\n\r\n`);
}
