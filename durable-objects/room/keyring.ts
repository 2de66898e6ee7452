import { createHash } from "node:crypto";
import { chacha20 } from "@noble/ciphers/chacha.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Keyring, Purpose } from "../../lib/authentication/keyring.ts";
import { decodeBase64Url, encodeBase64Url } from "./base64url.ts";

const tagLength = 16;
/** RFC 8439 §2.4. */
const nonceLength = 12;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** As much of the library's HMAC as is used here. */
interface Mac {
  update(octets: Uint8Array): Mac;
  digest(): Uint8Array;
  clone(): Mac;
  _cloneInto(to: Mac): Mac;
}

/** What one key is for one purpose: an HMAC that has taken in its key, one to work with, and a key to seal with. */
interface PurposeKeys {
  readonly mac: Mac;
  readonly scratch: Mac;
  readonly seal: Uint8Array;
}

/** An HMAC that has taken in the key and nothing else; good until the next is begun. */
function begin({ mac, scratch }: PurposeKeys): Mac {
  return mac._cloneInto(scratch);
}

/**
 * The keyring. A token is a synthetic initialisation vector and a ciphertext, as in RFC 5297: HMAC-SHA-256 of context and text,
 * cut to 128 bits, is at once what authenticates the token and the nonce of the ChaCha20 (RFC 8439) that hides the text, each
 * under a key of its own. So sealing is deterministic, and no two texts share a nonce. In plain JavaScript, because the calls
 * are many and small: `node:crypto` takes ten times as long for them on this platform.
 * @param keys at least one; the first makes, all open
 */
export function createKeyring(keys: readonly Uint8Array[]): Keyring {
  if (keys.length === 0) throw new Error("a keyring needs at least one key: SEAL_KEYS is not set");
  const rings = keys.map((key) => derive(key));
  const [first] = rings as [ReturnType<typeof derive>];
  const recent = new Recent();
  return {
    mac: (purpose, text) => mac(first(purpose), text),
    verify: (purpose, text, given) => rings.some((ring) => sameText(mac(ring(purpose), text).slice(0, given.length), given)),
    seal: (purpose, text, context) => {
      const token = seal(first(purpose), text, context);
      if (comesBack.has(purpose)) recent.keep(`${purpose} ${token} ${context}`, text);
      return token;
    },
    open: (purpose, token, context) => {
      const known = recent.find(`${purpose} ${token} ${context}`);
      if (known !== undefined) return known;
      const sealed = decodeBase64Url(token);
      if (sealed === undefined || sealed.length < tagLength) return undefined;
      for (const ring of rings) {
        const text = open(ring(purpose), sealed, context);
        if (text !== undefined) return text;
      }
      return undefined;
    },
    hash: (algorithm, text) => createHash(algorithm).update(text).digest("hex"),
  };
}

const recentKept = 2000;

/** Whose tokens most often come straight back. */
const comesBack: ReadonlySet<Purpose> = new Set(["route", "return-address"]);

/** Tokens made here a moment ago, which need not be opened by their key. */
class Recent {
  #young = new Map<string, string>();
  #old = new Map<string, string>();

  keep(name: string, text: string): void {
    if (this.#young.size >= recentKept) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, text);
  }

  find(name: string): string | undefined {
    return this.#young.get(name) ?? this.#old.get(name);
  }
}

const keyrings = new WeakMap<readonly Uint8Array[], Keyring>();

/** The keyring of a configuration's keys, made once in an isolate. */
export function keyringOf(keys: readonly Uint8Array[]): Keyring {
  const known = keyrings.get(keys) ?? createKeyring(keys);
  keyrings.set(keys, known);
  return known;
}

/** Independent keys for each purpose, made when they are first needed. */
function derive(key: Uint8Array): (purpose: Purpose) => PurposeKeys {
  const made = new Map<Purpose, PurposeKeys>();
  return (purpose) => {
    const known = made.get(purpose);
    if (known !== undefined) return known;
    const fresh = hmac.create(sha256, hmac(sha256, key, encoder.encode(`${purpose} mac`))) as unknown as Mac;
    const keysOfPurpose = {
      mac: fresh,
      scratch: fresh.clone(),
      seal: hmac(sha256, key, encoder.encode(`${purpose} seal`)),
    };
    made.set(purpose, keysOfPurpose);
    return keysOfPurpose;
  };
}

function mac(keys: PurposeKeys, text: string): string {
  const end = write(text, 0);
  return encodeBase64Url(begin(keys).update(scratch.subarray(0, end)).digest());
}

function seal(keys: PurposeKeys, text: string, context: string): string {
  const from = writeContext(context);
  const end = write(text, from);
  const token = new Uint8Array(tagLength + end - from);
  token.set(tagOf(keys, end));
  chacha20(keys.seal, token.slice(0, nonceLength), scratch.subarray(from, end), token.subarray(tagLength));
  return encodeBase64Url(token);
}

function open(keys: PurposeKeys, sealed: Uint8Array, context: string): string | undefined {
  const from = writeContext(context);
  const plain = chacha20(keys.seal, sealed.slice(0, nonceLength), sealed.subarray(tagLength));
  reserve(from + plain.length);
  scratch.set(plain, from);
  return sameOctets(tagOf(keys, from + plain.length), sealed.subarray(0, tagLength)) ? decoder.decode(plain) : undefined;
}

/** The tag of so many octets of the scratch: a context and a text. */
function tagOf(keys: PurposeKeys, length: number): Uint8Array {
  return begin(keys).update(scratch.subarray(0, length)).digest().subarray(0, tagLength);
}

/** What is being hashed or sealed: allocated once, since that costs more on this platform than to fill it. */
let scratch = new Uint8Array(1024);

/** Writes a context with its length before it at the start of the scratch; returns where it ends. */
function writeContext(context: string): number {
  const end = write(context, 2);
  scratch[0] = (end - 2) >> 8;
  scratch[1] = (end - 2) & 255;
  return end;
}

/** Writes a text as UTF-8 at a place of the scratch; returns where it ends. */
function write(text: string, from: number): number {
  reserve(from + text.length * 3);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 127) return from + encoder.encodeInto(text, scratch.subarray(from)).written;
    scratch[from + at] = code;
  }
  return from + text.length;
}

/** Makes room for so many octets; what was written stays. */
function reserve(length: number): void {
  if (length <= scratch.length) return;
  const larger = new Uint8Array(length * 2);
  larger.set(scratch);
  scratch = larger;
}

function sameOctets(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) difference |= (one[at] as number) ^ (other[at] as number);
  return difference === 0;
}

function sameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
