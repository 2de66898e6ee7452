import { AES } from "@stablelib/aes";

const blockLength = 16;

/**
 * AES-CMAC (RFC 4493) and AES-SIV (RFC 5297 with one associated string) under one key of 32 octets, the first half for the tags, the second
 * to encrypt. The block cipher is a library's. The two modes are our own because they work in place, in one buffer and with key schedules
 * made once: small arrays are slow on this platform. Equal input gives equal output.
 */
export class Siv {
  readonly #macKey: AES;
  readonly #cipherKey: AES;
  /** RFC 4493 §2.3: K1 and K2, for a last block that is full and for one that is padded. */
  readonly #full: Uint8Array;
  readonly #padded: Uint8Array;
  /** RFC 5297 §2.4: the CMAC of a block of zeros, doubled. */
  readonly #start: Uint8Array;

  /** The last context, and its CMAC: several tokens of one dialog are made and opened in a row. */
  #context: string | undefined;
  readonly #contextTag = new Uint8Array(blockLength);

  constructor(key: Uint8Array) {
    if (key.length !== 2 * blockLength) throw new Error("a key must have 32 octets");
    this.#macKey = new AES(key.slice(0, blockLength), true);
    this.#cipherKey = new AES(key.slice(blockLength), true);
    const zero = new Uint8Array(blockLength);
    this.#macKey.encryptBlock(zero, zero);
    this.#full = doubled(zero);
    this.#padded = doubled(this.#full);
    octets.fill(0, 0, blockLength);
    this.#cmac(0, blockLength);
    this.#start = doubled(tag);
  }

  /** The CMAC of a text in UTF-8. The octets are valid until the next call. */
  mac(text: string): Uint8Array {
    this.#cmac(0, write(text, 0));
    return tag;
  }

  /** Tag and ciphertext of a text, bound to a context that is not in them. The octets are valid until the next call. */
  seal(text: string, context: string): Uint8Array {
    const end = write(text, blockLength);
    this.#synthesise(end, context);
    octets.set(tag);
    this.#crypt(end);
    return octets.subarray(0, end);
  }

  /** The text that was sealed; undefined if the input is not a result of `seal`. */
  open(sealed: Uint8Array, context: string): string | undefined {
    const end = sealed.length;
    if (end < blockLength) return undefined;
    reserve(end + 2 * blockLength);
    octets.set(sealed);
    tag.set(sealed.subarray(0, blockLength));
    this.#crypt(end);
    this.#synthesise(end, context);
    return isEqual(tag, sealed, blockLength) ? read(blockLength, end) : undefined;
  }

  /** RFC 5297 §2.4 S2V of the context and the text, into `tag`. The text begins after the place for the tag. */
  #synthesise(end: number, context: string): void {
    if (context === this.#context) tag.set(this.#contextTag);
    else {
      const from = end + 2 * blockLength;
      this.#cmac(from, write(context, from));
      this.#contextTag.set(tag);
      this.#context = context;
    }
    mix(tag, 0, this.#start);
    const isShort = end < 2 * blockLength;
    if (isShort) {
      pad(end, 2 * blockLength);
      double(tag);
    }
    const whole = isShort ? 2 * blockLength : end;
    // T is the text with its last block changed. XOR twice restores the text.
    chain.set(tag);
    mix(octets, whole - blockLength, chain);
    this.#cmac(blockLength, whole);
    mix(octets, whole - blockLength, chain);
  }

  /** RFC 4493 §2.4 of the octets between two places, into `tag`. */
  #cmac(from: number, end: number): void {
    tag.fill(0);
    let at = from;
    for (; at + blockLength < end; at += blockLength) {
      mix(tag, 0, octets, at);
      this.#macKey.encryptBlock(tag, tag);
    }
    const isFull = at + blockLength === end;
    if (!isFull) pad(end, at + blockLength);
    mix(tag, 0, octets, at);
    mix(tag, 0, isFull ? this.#full : this.#padded);
    this.#macKey.encryptBlock(tag, tag);
  }

  /** RFC 5297 §2.5: encrypts or decrypts the text in counter mode, counting from the tag. */
  #crypt(end: number): void {
    counter.set(tag);
    counter[8] = (counter[8] as number) & 0x7f;
    counter[12] = (counter[12] as number) & 0x7f;
    for (let at = blockLength; at < end; at += blockLength) {
      this.#cipherKey.encryptBlock(counter, chain);
      mix(octets, at, chain);
      count();
    }
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// The buffer. An isolate does one thing at a time, and the content is not used after the call that wrote it.
let octets = new Uint8Array(1024);
const tag = new Uint8Array(blockLength);
const chain = new Uint8Array(blockLength);
const counter = new Uint8Array(blockLength);

/** Makes room for this many octets, and keeps the present ones. */
function reserve(length: number): void {
  if (length <= octets.length) return;
  const larger = new Uint8Array(length * 2);
  larger.set(octets);
  octets = larger;
}

/** Writes a text as UTF-8; returns its end. There is room for two blocks after it. */
function write(text: string, from: number): number {
  reserve(from + text.length * 3 + 2 * blockLength);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127) return from + encoder.encodeInto(text, octets.subarray(from)).written;
    octets[from + at] = code;
  }
  return from + text.length;
}

function read(from: number, end: number): string {
  const codes = new Array<number>(end - from);
  for (let at = from; at < end; at += 1) {
    const octet = octets[at] as number;
    if (octet > 127 || end - from > maxInOne) return decoder.decode(octets.subarray(from, end));
    codes[at - from] = octet;
  }
  return String.fromCharCode(...codes);
}

/** Maximum arguments of one call: a token is shorter. */
const maxInOne = 4000;

/** RFC 4493 §2.4: a one and zeros up to the end of a block. */
function pad(from: number, end: number): void {
  octets[from] = 0x80;
  for (let at = from + 1; at < end; at += 1) octets[at] = 0;
}

/** XOR of a block into another. */
function mix(into: Uint8Array, at: number, block: Uint8Array, from = 0): void {
  for (let octet = 0; octet < blockLength; octet += 1) into[at + octet] = (into[at + octet] as number) ^ (block[from + octet] as number);
}

/** Increments the last 32 bits only: the highest bit is not set, and no text is that long. */
function count(): void {
  for (let at = blockLength - 1; at >= 12; at -= 1) {
    counter[at] = (counter[at] as number) + 1;
    if (counter[at] !== 0) return;
  }
}

/** In constant time. */
function isEqual(one: Uint8Array, other: Uint8Array, length: number): boolean {
  let difference = 0;
  for (let at = 0; at < length; at += 1) difference |= (one[at] as number) ^ (other[at] as number);
  return difference === 0;
}

/** RFC 5297 §2.3: the 128 bits shifted to the left, in GF(2^128). */
function double(block: Uint8Array): void {
  let carry = 0;
  for (let at = blockLength - 1; at >= 0; at -= 1) {
    const value = ((block[at] as number) << 1) | carry;
    block[at] = value & 0xff;
    carry = value >> 8;
  }
  block[blockLength - 1] = (block[blockLength - 1] as number) ^ (carry * 0x87);
}

function doubled(block: Uint8Array): Uint8Array {
  const copy = block.slice();
  double(copy);
  return copy;
}
