import { timingSafeEqual } from "node:crypto";

/** Whether two secrets are the same: in constant time for texts of one length. */
export function isSameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
