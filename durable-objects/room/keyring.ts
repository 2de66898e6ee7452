import { createHash } from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Keyring, Purpose } from "../../lib/authentication/keyring.ts";
import { decodeBase64Url, encodeBase64Url } from "./base64url.ts";

const nonceLength = 12;
const tagLength = 16;
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
 * The keyring. Tokens are ChaCha20-Poly1305 (RFC 8439); the nonce is a keyed hash of context and text, which makes sealing
 * deterministic and never uses one nonce for two texts. In plain JavaScript, because the calls are many and small: `node:crypto`
 * takes ten times as long for them on this platform.
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
      recent.keep(`${purpose} ${token} ${context}`, text);
      return token;
    },
    open: (purpose, token, context) => {
      const known = recent.find(`${purpose} ${token} ${context}`);
      if (known !== undefined) return known;
      const sealed = decodeBase64Url(token);
      if (sealed === undefined || sealed.length < nonceLength + tagLength) return undefined;
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

/** Tokens made here a moment ago: most come straight back, and need not be opened by their key. */
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
  return encodeBase64Url(begin(keys).update(encoder.encode(text)).digest());
}

function seal(keys: PurposeKeys, text: string, context: string): string {
  const plain = encoder.encode(text);
  const bound = encoder.encode(context);
  const length = Uint8Array.of(bound.length >> 8, bound.length & 255);
  const nonce = begin(keys).update(length).update(bound).update(plain).digest().subarray(0, nonceLength);
  const sealed = chacha20poly1305(keys.seal, nonce, bound).encrypt(plain);
  const token = new Uint8Array(nonceLength + sealed.length);
  token.set(nonce);
  token.set(sealed, nonceLength);
  return encodeBase64Url(token);
}

function open(keys: PurposeKeys, sealed: Uint8Array, context: string): string | undefined {
  const cipher = chacha20poly1305(keys.seal, sealed.subarray(0, nonceLength), encoder.encode(context));
  try {
    return decoder.decode(cipher.decrypt(sealed.subarray(nonceLength)));
  } catch (error) {
    if (isWrongTag(error)) return undefined;
    throw error;
  }
}

/** What `decrypt` throws when the token is not one of ours: the expected end of forged, foreign and rotated-out tokens. */
function isWrongTag(error: unknown): boolean {
  return error instanceof Error && error.message.includes("invalid tag");
}

function sameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
