import { isDigits, isToken, numberBetween } from "./characters.ts";
import { type Fault, fault } from "./fault.ts";
import { refuseMethod } from "./method.ts";

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
  return refuseMethod(method) ?? { number: Number(number), method };
}

/** The CSeq between two places of a text, if it is a number, one space and this method; otherwise undefined. */
export function fastCSeq(text: string, from: number, to: number, method: string): CSeq | undefined {
  const space = to - method.length - 1;
  if (text.charCodeAt(space) !== 32 || !text.startsWith(method, space + 1)) return undefined;
  const number = numberBetween(text, from, space);
  return number >= 0 && number < 2 ** 31 ? { number, method } : undefined;
}
