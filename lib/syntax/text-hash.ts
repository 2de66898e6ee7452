import { sha256 } from "@noble/hashes/sha2.js";
import { memoised } from "./memoise.ts";
import { alphabet } from "./plain-hash.ts";

/** Characters: 126 bits. */
const length = 21;
/** No letter of `plainHash`, which has made the names and marks of older builds. */
const mark = "~";

/**
 * The hash of a text by SHA-256: `~` and 21 characters of base64url. No two texts with the same hash can be found, so it may be compared in
 * place of the text.
 */
export const textHash: (text: string) => string = memoised((text) => {
  const octets = sha256(unitsOf(text));
  let name = mark;
  let bits = 0;
  let count = 0;
  for (const octet of octets) {
    bits = ((bits << 8) | octet) & 0xffff;
    count += 8;
    while (count >= 6 && name.length <= length) {
      count -= 6;
      name += alphabet.charAt((bits >>> count) & 63);
    }
  }
  return name;
});

/** Two octets for each character, so that no two texts have the same ones. */
function unitsOf(text: string): Uint8Array {
  const octets = new Uint8Array(text.length * 2);
  for (let at = 0; at < text.length; at += 1) {
    octets[2 * at] = text.charCodeAt(at) >>> 8;
    octets[2 * at + 1] = text.charCodeAt(at) & 0xff;
  }
  return octets;
}

/** Whether `textHash` has made it, and not an older build. */
export function isTextHash(name: string): boolean {
  return name.startsWith(mark);
}
