import { unsafe } from "@noble/ciphers/aes.js";

const { encrypt, expandKeyLE } = unsafe;

export const tagLength = 16;
const blockLength = 16;
const blockWords = 4;

/**
 * AES-CMAC (RFC 4493) and AES-SIV (RFC 5297 with one associated string) under one key of 32 octets, the first half for the tags,
 * the second to encrypt. The block cipher is the library's; the two modes stand here because they work in place, on one piece of
 * memory with schedules made once: what costs on this platform is each small array. Equal input gives equal output.
 */
export class Siv {
  readonly #macKey: Uint32Array;
  readonly #cipherKey: Uint32Array;
  /** RFC 4493 §2.3: K1 and K2, for a last block that is full and for one that is padded. */
  readonly #full: Uint32Array;
  readonly #padded: Uint32Array;
  /** RFC 5297 §2.4: the CMAC of a block of zeros, doubled. */
  readonly #start: Uint32Array;

  constructor(key: Uint8Array) {
    if (key.length !== 32) throw new Error("a key has 32 octets");
    this.#macKey = expandKeyLE(key.slice(0, 16));
    this.#cipherKey = expandKeyLE(key.slice(16));
    const zero = encrypt(this.#macKey, 0, 0, 0, 0);
    this.#full = doubled(Uint32Array.of(zero.s0, zero.s1, zero.s2, zero.s3));
    this.#padded = doubled(this.#full);
    reserve(blockLength);
    octets.fill(0, 0, blockLength);
    this.#cmac(0, blockLength);
    this.#start = doubled(tag);
  }

  /** The CMAC of a text in UTF-8. The octets are good until the next call. */
  mac(text: string): Uint8Array {
    this.#cmac(0, write(text, 0));
    return tagOctets;
  }

  /** Tag and ciphertext of a text, bound to a context that is not carried. The octets are good until the next call. */
  seal(text: string, context: string): Uint8Array {
    const end = write(text, 0);
    this.#synthesise(end, context);
    const sealed = reserveOutput(tagLength + end);
    sealed.set(tagOctets);
    this.#crypt(end);
    sealed.set(octets.subarray(0, end), tagLength);
    return sealed;
  }

  /** The text that was sealed so; undefined for anything else. */
  open(sealed: Uint8Array, context: string): string | undefined {
    const end = sealed.length - tagLength;
    if (end < 0) return undefined;
    reserve(end + blockLength);
    octets.set(sealed.subarray(tagLength));
    tagOctets.set(sealed.subarray(0, tagLength));
    this.#crypt(end);
    this.#synthesise(end, context);
    return isTag(sealed) ? read(end) : undefined;
  }

  /** RFC 5297 §2.4 S2V of the context and so many octets, into `tag`. */
  #synthesise(end: number, context: string): void {
    // Behind the text, where it is in nobody's way.
    const from = (Math.ceil(end / blockLength) + 1) * blockLength;
    this.#cmac(from, write(context, from));
    for (let word = 0; word < blockWords; word += 1) tag[word] = (tag[word] as number) ^ (this.#start[word] as number);
    if (end >= blockLength) {
      // T is the text with its last block changed, and the text is needed afterwards.
      chain.set(tagOctets);
      mix(end);
      this.#cmac(0, end);
      mix(end);
      return;
    }
    pad(end, 0);
    double(tag);
    for (let word = 0; word < blockWords; word += 1) words[word] = (words[word] as number) ^ (tag[word] as number);
    chain.set(tagOctets);
    this.#cmac(0, blockLength);
    for (let at = 0; at < blockLength; at += 1) octets[at] = (octets[at] as number) ^ (chain[at] as number);
  }

  /** RFC 4493 §2.4 of the octets from a whole block on, into `tag`. */
  #cmac(from: number, end: number): void {
    const key = this.#macKey;
    const isFull = end > from && (end - from) % blockLength === 0;
    if (!isFull) pad(end, from);
    const last = isFull ? end - blockLength : end - ((end - from) % blockLength);
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let at = from >> 2; at < last >> 2; at += blockWords) {
      ({ s0, s1, s2, s3 } = encrypt(
        key,
        s0 ^ (words[at] as number),
        s1 ^ (words[at + 1] as number),
        s2 ^ (words[at + 2] as number),
        s3 ^ (words[at + 3] as number),
      ));
    }
    const subkey = isFull ? this.#full : this.#padded;
    const at = last >> 2;
    ({ s0, s1, s2, s3 } = encrypt(
      key,
      s0 ^ (words[at] as number) ^ (subkey[0] as number),
      s1 ^ (words[at + 1] as number) ^ (subkey[1] as number),
      s2 ^ (words[at + 2] as number) ^ (subkey[2] as number),
      s3 ^ (words[at + 3] as number) ^ (subkey[3] as number),
    ));
    tag[0] = s0;
    tag[1] = s1;
    tag[2] = s2;
    tag[3] = s3;
  }

  /** RFC 5297 §2.5: encrypts or decrypts so many octets in counter mode, with `tag` as what is counted from. */
  #crypt(end: number): void {
    const [first, second] = tag as unknown as [number, number];
    const third = (tag[2] as number) & 0xffffff7f;
    const count = swap((tag[3] as number) & 0xffffff7f);
    for (let at = 0; at < end; at += blockLength) {
      const { s0, s1, s2, s3 } = encrypt(this.#cipherKey, first, second, third, swap(count + (at >> 4)));
      const word = at >> 2;
      words[word] = (words[word] as number) ^ s0;
      words[word + 1] = (words[word + 1] as number) ^ s1;
      words[word + 2] = (words[word + 2] as number) ^ s2;
      words[word + 3] = (words[word + 3] as number) ^ s3;
    }
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// What is being worked on. An isolate does one thing at a time, and none of this is read after the call that wrote it.
let octets = new Uint8Array(1024);
let words = new Uint32Array(octets.buffer);
let output = new Uint8Array(1024);
const tag = new Uint32Array(blockWords);
const tagOctets = new Uint8Array(tag.buffer);
const chain = new Uint8Array(blockLength);

if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) throw new Error("this platform is not little-endian");

/** Makes room for so many octets, and keeps those that are there. */
function reserve(length: number): void {
  if (length <= octets.length) return;
  const larger = new Uint8Array(Math.ceil(length / blockLength) * 2 * blockLength);
  larger.set(octets);
  octets = larger;
  words = new Uint32Array(octets.buffer);
}

function reserveOutput(length: number): Uint8Array {
  if (length > output.length) output = new Uint8Array(length * 2);
  return output.subarray(0, length);
}

/** Writes a text as UTF-8; returns where it ends. There is room for padding behind it. */
function write(text: string, from: number): number {
  reserve(from + text.length * 3 + blockLength);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127) return from + encoder.encodeInto(text, octets.subarray(from)).written;
    octets[from + at] = code;
  }
  return from + text.length;
}

/** RFC 4493 §2.4: a one and zeros up to the end of the block, of those that begin at `from`. */
function pad(end: number, from: number): void {
  const whole = end + blockLength - ((end - from) % blockLength);
  octets[end] = 0x80;
  octets.fill(0, end + 1, whole);
}

/** The chain into the last block of so many octets. Twice is as never. */
function mix(end: number): void {
  const from = end - blockLength;
  for (let at = 0; at < blockLength; at += 1) octets[from + at] = (octets[from + at] as number) ^ (chain[at] as number);
}

function isTag(sealed: Uint8Array): boolean {
  let difference = 0;
  for (let at = 0; at < tagLength; at += 1) difference |= (tagOctets[at] as number) ^ (sealed[at] as number);
  return difference === 0;
}

function read(end: number): string {
  return decoder.decode(octets.subarray(0, end));
}

/** RFC 5297 §2.3: the 128 bits shifted to the left, in GF(2^128). */
function double(block: Uint32Array): void {
  let carry = 0;
  for (let word = blockWords - 1; word >= 0; word -= 1) {
    const value = swap(block[word] as number);
    block[word] = swap((value << 1) | carry);
    carry = value >>> 31;
  }
  if (carry === 1) block[3] = (block[3] as number) ^ 0x87000000;
}

function doubled(block: Uint32Array): Uint32Array {
  const copy = block.slice();
  double(copy);
  return copy;
}

/** A word with its octets the other way round. */
function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
