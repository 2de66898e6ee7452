import { type Request, headerValues } from "../syntax/message.ts";

/** Ranges that are read. */
const maxRanges = 100;

/**
 * The preference of a request for bodies of a type (RFC 3261 §20.1): the q-value of the most specific range that contains the type, 0 if
 * none does. Without an Accept header every type has 1.
 */
export function acceptance(request: Request, type: string): number {
  const ranges = headerValues(request, "accept").slice(0, maxRanges).map(readRange);
  if (ranges.length === 0) return 1;
  const [major = ""] = type.split("/");
  const fitting = [type, `${major}/*`, "*/*"].flatMap((name) => ranges.find((range) => range.name === name) ?? []);
  return fitting[0]?.q ?? 0;
}

function readRange(value: string): { readonly name: string; readonly q: number } {
  const [name = "", ...parameters] = value.split(";").map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => /^q\s*=/.test(parameter))?.replace(/^q\s*=\s*/, "");
  return { name, q: q !== undefined && /^[01](\.\d{0,3})?$/.test(q) ? Math.min(Number(q), 1) : 1 };
}
