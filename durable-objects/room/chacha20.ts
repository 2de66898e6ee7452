/** "expand 32-byte k" (RFC 8439 §2.3). */
const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
const blockLength = 64;
const input = new Int32Array(16);
const block = new Int32Array(16);

/**
 * Encrypts or decrypts in place with ChaCha20, its counter beginning at zero (RFC 8439 §2.4). Of our own because a library's many
 * small arrays cost several times the cipher itself on this platform.
 * @param key eight words, as `wordsOf` makes them of 32 octets
 * @param nonce its first 12 octets count
 */
export function chacha20(key: Int32Array, nonce: Uint8Array, text: Uint8Array): void {
  input.set(constants);
  input.set(key, 4);
  input[12] = 0;
  for (let word = 0; word < 3; word += 1) input[13 + word] = wordAt(nonce, word * 4);
  for (let from = 0; from < text.length; from += blockLength) {
    fillBlock();
    const length = Math.min(blockLength, text.length - from);
    for (let at = 0; at < length; at += 1) {
      text[from + at] = (text[from + at] as number) ^ ((block[at >> 2] as number) >>> ((at & 3) << 3));
    }
    input[12] += 1;
  }
}

/** Octets as little-endian words. */
export function wordsOf(octets: Uint8Array): Int32Array {
  return Int32Array.from({ length: octets.length >> 2 }, (_, word) => wordAt(octets, word * 4));
}

function wordAt(octets: Uint8Array, at: number): number {
  return pairAt(octets, at) | (pairAt(octets, at + 2) << 16);
}

function pairAt(octets: Uint8Array, at: number): number {
  return (octets[at] as number) | ((octets[at + 1] as number) << 8);
}

/** The block function (RFC 8439 §2.3): ten times four column and four diagonal rounds. */
function fillBlock(): void {
  block.set(input);
  for (let round = 0; round < 10; round += 1) {
    for (let column = 0; column < 4; column += 1) quarterRound(column, column + 4, column + 8, column + 12);
    for (let column = 0; column < 4; column += 1) {
      quarterRound(column, 4 + ((column + 1) & 3), 8 + ((column + 2) & 3), 12 + ((column + 3) & 3));
    }
  }
  for (let word = 0; word < 16; word += 1) block[word] = (block[word] as number) + (input[word] as number);
}

/** RFC 8439 §2.1. */
function quarterRound(a: number, b: number, c: number, d: number): void {
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

/** `to += add; turn ^= to; turn <<<= bits` */
function step(to: number, add: number, turn: number, bits: number): void {
  const sum = ((block[to] as number) + (block[add] as number)) | 0;
  const mixed = (block[turn] as number) ^ sum;
  block[to] = sum;
  block[turn] = (mixed << bits) | (mixed >>> (32 - bits));
}
