import type { Keyring } from "./keyring.ts";

/** What a nonce turns out to be: usable, ours but too old (`stale=true`, RFC 7616 §3.3), or never ours or another socket's. */
export type NonceVerdict = "fresh" | "stale" | "foreign";

const macLength = 22;

/**
 * Mints a nonce that needs no memory: its time and a keyed hash over the time and the socket it is for (RFC 7616 §5.4).
 * @param flow identity of the socket; a nonce is worthless on another one
 * @param now milliseconds
 */
export function mintNonce(keyring: Keyring, flow: string, now: number): string {
  const time = Math.floor(now / 1000).toString(36);
  return `${time}.${keyring.mac("nonce", `${time}.${flow}`).slice(0, macLength)}`;
}

/** @param lifetime seconds a nonce is good for */
export function verifyNonce(keyring: Keyring, nonce: string, flow: string, now: number, lifetime: number): NonceVerdict {
  const dot = nonce.indexOf(".");
  const time = nonce.slice(0, dot);
  const mac = nonce.slice(dot + 1);
  if (dot < 1 || mac.length !== macLength) return "foreign";
  if (!keyring.verify("nonce", `${time}.${flow}`, mac)) return "foreign";
  const age = now / 1000 - Number.parseInt(time, 36);
  return age >= -1 && age <= lifetime ? "fresh" : "stale";
}
