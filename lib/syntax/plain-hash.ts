/** RFC 4648 §5. */
export const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * A short hash of a text: twelve characters. Two texts with the same hash are easily made, so it is only for places where a collision harms
 * no other user and evades no limit. For all others there is `textHash`.
 */
export function plainHash(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x1b873593;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x85ebca6b) + one;
  }
  return `${written(one)}${written(other ^ (other >>> 15))}`;
}

/** A hash of 32 bits without a key, for a choice that is to be the same everywhere. */
export function numberHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // The lower bits of the product alone are no good choice.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function written(number: number): string {
  let text = "";
  for (let shift = 26; shift >= 0; shift -= 6) text += alphabet.charAt((number >>> shift) & 63);
  return text + alphabet.charAt(number & 3);
}
