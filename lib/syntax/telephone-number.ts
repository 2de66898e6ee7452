import { canonicalUser, nameOfUser } from "./uri.ts";

/**
 * The telephone number that a canonical user part is: without visual separators and parameters (RFC 3966 §5.1.1, RFC 3261 §19.1.6).
 * Spaces and slashes count as separators too: phones write them. Undefined for another name.
 */
export function canonicalNumber(user: string): string | undefined {
  const [written = ""] = (nameOfUser(user) ?? user).split(";");
  const number = written.replace(/[-.()/\s]/g, "");
  return /^(?:\+\d+|[\d*#]+)$/.test(number) && /\d/.test(number) ? canonicalUser(number) : undefined;
}

/** Whether a user part begins with a plus and is no international number: another server may skip what it does not know, and read one. */
export function isBrokenNumber(user: string): boolean {
  const name = nameOfUser(user) ?? user;
  return /^[-.()/\s]*\+/.test(name) && canonicalNumber(user) === undefined;
}
