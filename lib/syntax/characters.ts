/** Character classes of RFC 3261 §25.1 as a table of bits by character code. */
export const token = 1;
const digit = 2;
const hex = 4;
const alpha = 8;

/** 256 entries, so that every masked character code has one. Characters beyond ASCII are in no class. */
const classes = new Uint8Array(256);
for (let code = 0; code < 128; code += 1) {
  const character = String.fromCharCode(code);
  let bits = 0;
  if (/[A-Za-z0-9\-.!%*_+`'~]/.test(character)) bits |= token;
  if (/[0-9]/.test(character)) bits |= digit;
  if (/[0-9A-Fa-f]/.test(character)) bits |= hex;
  if (/[A-Za-z]/.test(character)) bits |= alpha;
  classes[code] = bits;
}

/** The end of the run of characters of a class that begins at `from`. */
export function endOfRun(text: string, from: number, bits: number): number {
  let at = from;
  for (const end = text.length; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127 || ((classes[code] as number) & bits) === 0) break;
  }
  return at;
}

/** The number written in digits, of any size; -1 if there are none, or other characters. */
export function numberBetween(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return -1;
    value = value * 10 + code - 48;
  }
  return to > from ? value : -1;
}

function has(code: number, bits: number): boolean {
  return code < 128 && ((classes[code] as number) & bits) !== 0;
}

export function isAlphaCode(code: number): boolean {
  return has(code, alpha);
}

export function isDigitCode(code: number): boolean {
  return has(code, digit);
}

/** Whether a text is one token (RFC 3261 §25.1); the empty text is not. */
export function isToken(text: string): boolean {
  return consists(text, token);
}

/** Whether there is exactly one token between two places of a text. */
export function isTokenBetween(text: string, from: number, to: number): boolean {
  return from < to && endOfRun(text, from, token) === to;
}

export function isDigits(text: string): boolean {
  return consists(text, digit);
}

export function isHex(text: string): boolean {
  return consists(text, hex);
}

function consists(text: string, bits: number): boolean {
  return text !== "" && endOfRun(text, 0, bits) === text.length;
}

/** Whether a text has only ASCII letters, digits and the given other characters; one regular expression, many times faster than a loop. */
export function textOf(others: string): (text: string) => boolean {
  const expression = new RegExp(`^${classOf(others)}*$`);
  return (text) => expression.test(text);
}

/** The same, and escapes: each `%` is followed by two hexadecimal digits. */
export function escapedTextOf(others: string): (text: string) => boolean {
  const allowed = classOf(others);
  const expression = new RegExp(`^${allowed}*(?:%[0-9A-Fa-f]{2}${allowed}*)*$`);
  return (text) => expression.test(text);
}

function classOf(others: string): string {
  return `[A-Za-z0-9${others.replaceAll(/[\]\\^-]/g, "\\$&")}]`;
}

/** A predicate for ASCII letters and digits and the given other characters. */
export function lettersDigitsAnd(others: string): (code: number) => boolean {
  const table = new Uint8Array(128);
  for (let code = 0; code < 128; code += 1) table[code] = has(code, alpha | digit) || others.includes(String.fromCharCode(code)) ? 1 : 0;
  return (code) => code < 128 && table[code] === 1;
}
