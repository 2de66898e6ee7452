/** A short hash of a text, without a key: for telling texts apart where nobody gains by making two that look alike. */
export function plainHash(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x1b873593;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x85ebca6b) + one;
  }
  return `${(one >>> 0).toString(36)}${((other ^ (other >>> 15)) >>> 0).toString(36)}`;
}
