import { decodedText } from "../syntax/octets.ts";
import { nameOfUser } from "../syntax/uri.ts";

/** Groups of digits, and pluses, that are looked at. */
const maxParts = 40;

/**
 * The numbers that another server may read in a called name which is not plainly a number: it may skip what it does not know, or take what
 * comes first for a code. Digits of other scripts count too. Empty for a plain number, and for a name without digits.
 * @param user a canonical user part
 */
export function numberReadings(user: string): readonly string[] {
  if (/^(?:\+[1-9]\d*|\d*)$/.test(user)) return [];
  const name = inAsciiDigits(decodedText(nameOfUser(user) ?? user));
  const parts = name.match(/\+|\d+/g)?.slice(0, maxParts) ?? [];
  const readings = parts.flatMap((part, at) => {
    const plus = parts[at - 1] === "+" ? "+" : "";
    return part === "+" ? [] : [`${plus}${parts.slice(at).join("").replaceAll("+", "")}`];
  });
  // `+0049…` is no international number: it may be dialled as `0049…`.
  return [...new Set(readings.flatMap((reading) => (reading.startsWith("+0") ? [reading, reading.slice(1)] : [reading])))];
}

/** Every decimal digit of Unicode as the one of ASCII: the ten of a script begin at a code that ends with 0 or 6. */
function inAsciiDigits(text: string): string {
  return text.normalize("NFKC").replace(/(?!\d)\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    const low = code & 15;
    const isFromZero = /\p{Nd}/u.test(String.fromCodePoint(code - low));
    return String((isFromZero ? low : low - 6) % 10);
  });
}
