import { decodedText } from "../syntax/octets.ts";
import { unescape } from "../syntax/uri.ts";

/** Groups of digits from which on a number is looked for. */
const maxGroups = 40;

/**
 * The numbers that another server may read in a called name which is not plainly a number: it may skip what it does not know, stop at it, or
 * take what comes first for a code. Digits of other scripts count too. Empty for a plain number, for a name without digits, and for a short
 * service code (`*72`).
 * @param user a canonical user part
 */
export function numberReadings(user: string): readonly string[] {
  if (/^(?:\+[1-9]\d*|\d*|[*#]{1,2}\d{1,4}#?)$/.test(user)) return [];
  const name = inAsciiDigits(decodedText(unescape(user)));
  // What is still escaped may be read as it is, or as a sign that is skipped.
  return [...new Set([name, name.replace(/%[0-9A-Fa-f]{2}/g, " ")].flatMap(readingsOf))];
}

function readingsOf(name: string): string[] {
  const parts = name.replace(/\++/g, "+").match(/\+|\d+/g) ?? [];
  const readings: string[] = [];
  for (const [at, part] of parts.entries()) {
    if (part === "+") continue;
    const plus = parts[at - 1] === "+" ? "+" : "";
    readings.push(`${plus}${part}`, `${plus}${parts.slice(at).join("").replaceAll("+", "")}`);
    if (readings.length >= 2 * maxGroups) break;
  }
  // `+0049…` is no international number: it may be dialled as `0049…`.
  return [...withContext(name), ...readings].flatMap((reading) => (reading.startsWith("+0") ? [reading, reading.slice(1)] : [reading]));
}

/** RFC 3966 §5.1.5: a local number after the prefix that it is valid in. */
function withContext(name: string): string[] {
  const [, context = ""] = /;phone-context=(\+[\d.()-]+)/i.exec(name) ?? [];
  const [, number = ""] = /^([\d.()-]+)/.exec(name) ?? [];
  return context === "" || number === "" ? [] : [`${context}${number}`.replace(/[.()-]/g, "")];
}

/** Every decimal digit of Unicode as the one of ASCII: the ten of a script begin at a code that ends with 0, 6 or A. */
function inAsciiDigits(text: string): string {
  return text.normalize("NFKC").replace(/(?!\d)\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    const low = code & 15;
    const isDigit = (at: number) => /\p{Nd}/u.test(String.fromCodePoint(at));
    const beginsAt = (first: number) => low >= first && isDigit(code - low + first) && isDigit(code - low + first + 9);
    return String(beginsAt(0) ? low : beginsAt(6) ? low - 6 : (low + 6) % 16);
  });
}
