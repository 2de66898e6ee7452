import type { Keyring } from "./keyring.ts";

/** What a nonce turns out to be: usable, ours but too old or of another connection (`stale=true`, RFC 7616 §3.3), or never ours. */
export type NonceVerdict = "fresh" | "stale" | "foreign";

/** What a nonce is made for. */
export interface NoncePlace {
  /** Identity of the socket; a nonce is good on no other one. */
  readonly flow: string;
  /** Milliseconds. */
  readonly now: number;
  /** What tells the request that is challenged from others: each challenge has a nonce of its own. */
  readonly request: string;
}

const [requestLength, oursLength, macLength] = [8, 11, 22];

/**
 * Mints a nonce that needs no memory (RFC 7616 §5.4): its time, a hash of the request it was made for, a keyed hash by which it is
 * known as ours, and one that binds it to its socket.
 */
export function mintNonce(keyring: Keyring, { flow, now, request }: NoncePlace): string {
  const time = Math.floor(now / 1000).toString(36);
  const head = `${time}.${keyring.mac("nonce", request).slice(0, requestLength)}`;
  return `${head}.${keyring.mac("nonce", head).slice(0, oursLength)}.${keyring.mac("nonce", `${head}.${flow}`).slice(0, macLength)}`;
}

/** @param lifetime seconds a nonce is good for */
export function verifyNonce(keyring: Keyring, nonce: string, flow: string, now: number, lifetime: number): NonceVerdict {
  const [time = "", request = "", ours = "", mac = "", ...others] = nonce.split(".");
  if (ours.length !== oursLength || mac.length !== macLength || others.length > 0) return "foreign";
  const head = `${time}.${request}`;
  if (!keyring.verify("nonce", head, ours)) return "foreign";
  if (!keyring.verify("nonce", `${head}.${flow}`, mac)) return "stale";
  const age = now / 1000 - Number.parseInt(time, 36);
  return age >= -1 && age <= lifetime ? "fresh" : "stale";
}
