const alphabet = "abcdefghijklmnopqrstuvwxyz012345";
const pool = new Uint8Array(1024);
let used = pool.length;

/** Eight random characters, 40 bits: a tag (RFC 3261 §19.3 requires 32), or the name of a flow. */
export function randomText(): string {
  if (used + 8 > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  let text = "";
  for (const end = used + 8; used < end; used += 1) text += alphabet[(pool[used] as number) & 31];
  return text;
}
