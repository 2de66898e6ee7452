/** Character classes of RFC 3261 §25.1 as a table of bits by character code. */
export const token = 1;
const digit = 2;
const hex = 4;
const alpha = 8;
/** Lower-case letters, digits, dot and hyphen. */
const plainHost = 16;
/** What a user part may hold without escapes, but for the rarer `;?/#`. */
export const plainUser = 32;
/** What plain URI parameters are made of, semicolons and equals signs included. */
export const plainParameters = 64;
/** What a Request-URI is made of: all that is visible but angle brackets. */
export const plainTarget = 128;

/** 256 entries, so that the masked code of any character is in it: characters beyond ASCII are in no class. */
const classes = new Uint8Array(256);
for (let code = 0; code < 128; code += 1) {
  const character = String.fromCharCode(code);
  let bits = 0;
  if (/[A-Za-z0-9\-.!%*_+`'~]/.test(character)) bits |= token;
  if (/[0-9]/.test(character)) bits |= digit;
  if (/[0-9A-Fa-f]/.test(character)) bits |= hex;
  if (/[A-Za-z]/.test(character)) bits |= alpha;
  if (/[a-z0-9.-]/.test(character)) bits |= plainHost;
  if (/[A-Za-z0-9\-_.!~*'()&=+$,]/.test(character)) bits |= plainUser;
  if (/[A-Za-z0-9\-_.!~*'()=;/:&+$]/.test(character)) bits |= plainParameters;
  if (/[!-;=?-~]/.test(character)) bits |= plainTarget;
  classes[code] = bits;
}

/** Where the run of characters of a class ends that begins at `from`. */
export function endOfRun(text: string, from: number, bits: number): number {
  let at = from;
  for (const end = text.length; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127 || ((classes[code] as number) & bits) === 0) break;
  }
  return at;
}

/**
 * Where a host name ends that has no capitals and no port, ends with a letter, and has no empty label nor one that begins or
 * ends with a hyphen; -1 if another text stands there.
 */
export function endOfPlainHost(text: string, from: number): number {
  let at = from;
  let before = 46;
  for (const end = text.length; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127 || ((classes[code] as number) & plainHost) === 0) break;
    if (code < 47 && (before === 46 || (code === 46 && before === 45))) return -1;
    before = code;
  }
  return before < 65 ? -1 : at;
}

/** The number that digits write, of any size; -1 if none or anything else stands there. */
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

/** Whether a text is one token (RFC 3261 §25.1); the empty text is none. */
export function isToken(text: string): boolean {
  return consists(text, token);
}

/** Whether one token stands between two places of a text. */
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

/** Whether every character is allowed. */
export function all(text: string, allowed: (code: number) => boolean): boolean {
  for (let at = 0; at < text.length; at += 1) if (!allowed(text.charCodeAt(at))) return false;
  return true;
}

/** Whether every `%` is followed by two hexadecimal digits, and every other character is allowed. */
export function isEscaped(text: string, allowed: (code: number) => boolean): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 37) {
      if (!has(text.charCodeAt(at + 1), hex) || !has(text.charCodeAt(at + 2), hex)) return false;
      at += 2;
    } else if (!allowed(code)) return false;
  }
  return true;
}

/** A predicate for ASCII letters and digits and the given other characters. */
export function lettersDigitsAnd(others: string): (code: number) => boolean {
  const table = new Uint8Array(128);
  for (let code = 0; code < 128; code += 1) table[code] = has(code, alpha | digit) || others.includes(String.fromCharCode(code)) ? 1 : 0;
  return (code) => code < 128 && table[code] === 1;
}
