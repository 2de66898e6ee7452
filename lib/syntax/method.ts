import { type Fault, fault } from "./fault.ts";

/** The methods of RFC 3261 and its extensions. */
const known = new Set([
  "ACK",
  "BYE",
  "CANCEL",
  "INFO",
  "INVITE",
  "MESSAGE",
  "NOTIFY",
  "OPTIONS",
  "PRACK",
  "PUBLISH",
  "REFER",
  "REGISTER",
  "SUBSCRIBE",
  "UPDATE",
]);

/**
 * Refuses a method that differs from a known one in its letters only. Methods are case-sensitive (RFC 3261 §7.1), so `invite` is unknown
 * here; but other servers and phones take it for INVITE, and what is said about INVITE has to hold for it.
 */
export function refuseMethod(method: string): Fault | undefined {
  if (known.has(method)) return undefined;
  const meant = method.toUpperCase();
  return known.has(meant) ? fault(400, `the method ${meant} has to be written in capitals`) : undefined;
}
