import { isDigits } from "./characters.ts";

const most = 2 ** 32 - 1;

/** Seconds, at most 2^32-1: a larger number counts as that (RFC 3261 §20.19); undefined if it is not a number. */
export function parseDeltaSeconds(text: string | undefined): number | undefined {
  return text === undefined || !isDigits(text) ? undefined : Math.min(Number(text), most);
}
