import { toOctets } from "../syntax/octets.ts";

/** Octets that a client is sent before it gets a probe that tests whether it reads. */
export const octetsBeforeProbe = 1_048_576;
/**
 * Octets that may wait for a client that does not answer the probe: they use our memory, and the platform does not report how many wait.
 */
export const maxUnread = 8 * octetsBeforeProbe;
/** Milliseconds that a client has to answer: after a reconnect all stored messages come at once, and the client reads them first. */
export const probeTimeout = 10_000;
/** Octets that may wait in all connections of a home together. */
export const maxUnreadAtHome = 4 * maxUnread;

/** Octets. A message up to this size is sent even if there is no room for large ones: messages that end a call are short. */
export const smallMessage = 16_384;
/** Octets of such messages that may wait for a client beyond `maxUnread`. */
export const roomForSmall = 2 * octetsBeforeProbe;

/** A client that was sent many octets, and then a probe. */
export interface Unread {
  /** Octets sent since its last answer. */
  readonly octets: number;
  /** How many of them came before the probe: its answer shows that these were read. */
  readonly asked: number;
  /** Milliseconds; when the probe was sent. */
  readonly at: number;
  /** Of the probe: it is in the branch, so only a client that has read the probe knows it. */
  readonly token: string;
}

/** Where a probe goes, and what identifies it. */
export interface Probe {
  /** A URI: the Contact of the phone, or the address of its user. */
  readonly target: string;
  readonly host: string;
  readonly branch: string;
  readonly token: string;
}

/** OPTIONS to a client (RFC 3261 §11): any answer shows that it has read so far. */
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
