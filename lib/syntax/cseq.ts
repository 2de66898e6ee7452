import { isDigits, isToken } from "./characters.ts";
import { type Fault, fault } from "./fault.ts";

export interface CSeq {
  /** Below 2^31 (RFC 3261 §8.1.1.5). */
  readonly number: number;
  readonly method: string;
}

export function parseCSeq(text: string): CSeq | Fault {
  const space = text.indexOf(" ");
  const end = space < 0 ? text.indexOf("\t") : space;
  const number = text.slice(0, Math.max(0, end)).trimEnd();
  const method = text.slice(end).trim();
  if (!isDigits(number) || !isToken(method)) return fault(400, "CSeq is not a number and a method");
  if (Number(number) >= 2 ** 31) return fault(400, "the number of CSeq is not below 2^31");
  return { number: Number(number), method };
}
