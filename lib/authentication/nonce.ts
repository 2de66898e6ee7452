import type { FlowId } from "../transport/identifiers.ts";
import type { Keyring } from "./keyring.ts";

/** The result for a nonce: usable; ours, but too old or of another connection (`stale=true`, RFC 7616 §3.3); or not ours. */
export type NonceVerdict = "fresh" | "stale" | "foreign";

/** What a nonce is bound to. */
export interface NoncePlace {
  /** Identity of the socket; the nonce is not valid on another one. */
  readonly flow: FlowId;
  /** Milliseconds. */
  readonly now: number;
  /** What distinguishes the challenged request from others: each challenge has its own nonce. */
  readonly request: string;
}

const [requestLength, oursLength, macLength] = [8, 11, 22];

/**
 * Mints a nonce that needs no stored state (RFC 7616 §5.4): its time, a hash of the request, a keyed hash that identifies it as ours, and
 * one that binds it to its socket.
 */
export function mintNonce(keyring: Keyring, { flow, now, request }: NoncePlace): string {
  const time = Math.floor(now / 1000).toString(36);
  const head = `${time}.${keyring.mac("nonce", request).slice(0, requestLength)}`;
  return `${head}.${keyring.mac("nonce", head).slice(0, oursLength)}.${keyring.mac("nonce", `${head}.${flow}`).slice(0, macLength)}`;
}

/** @param lifetime seconds that a nonce is valid */
export function verifyNonce(keyring: Keyring, nonce: string, flow: FlowId, now: number, lifetime: number): NonceVerdict {
  const [time = "", request = "", ours = "", mac = "", ...others] = nonce.split(".");
  if (ours.length !== oursLength || mac.length !== macLength || others.length > 0) return "foreign";
  const head = `${time}.${request}`;
  if (!keyring.verify("nonce", head, ours)) return "foreign";
  if (!keyring.verify("nonce", `${head}.${flow}`, mac)) return "stale";
  const age = now / 1000 - Number.parseInt(time, 36);
  return age >= -1 && age <= lifetime ? "fresh" : "stale";
}
