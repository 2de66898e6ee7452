import { createHash } from "node:crypto";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Keyring, Purpose } from "../../lib/authentication/keyring.ts";
import { encodeBinary } from "../bytes.ts";
import { decodeBase64Url, encodeBase64Url } from "./base64url.ts";
import { Siv } from "./aes-siv.ts";

/**
 * The keyring. A token is its text sealed with AES-SIV (RFC 5297): the tag that authenticates it is also the nonce, so that sealing is
 * deterministic and no two texts share a nonce. A keyed hash is an AES-CMAC (RFC 4493). In plain JavaScript, because there are many small
 * calls: `node:crypto` takes ten times as long for them on this platform.
 * @param keys at least one; the first seals, all open
 */
export function createKeyring(keys: readonly Uint8Array[]): Keyring {
  if (keys.length === 0) throw new Error("a keyring needs at least one key: SEAL_KEYS is not set");
  const rings = keys.map((key) => derive(key));
  const [first] = rings as [Ring];
  const known = new KnownTokens();
  return {
    mac: (purpose, text) => mac(first(purpose), text),
    macs: (purpose, text) => rings.map((ring) => mac(ring(purpose), text)),
    verify: (purpose, text, given) => rings.some((ring) => sameText(mac(ring(purpose), text).slice(0, given.length), given)),
    seal: (purpose, text, context) => {
      const token = encodeBase64Url(first(purpose).seal(text, context));
      if (isRemembered(purpose)) known.add(nameOf(purpose, token, context), text);
      return token;
    },
    open: (purpose, token, context) => {
      if (!isRemembered(purpose)) return opened(rings, purpose, token, context);
      const name = nameOf(purpose, token, context);
      const before = known.get(name);
      if (before !== undefined) return before;
      const text = opened(rings, purpose, token, context);
      if (text !== undefined) known.add(name, text);
      return text;
    },
    hash: (algorithm, octets) => createHash(algorithm).update(encodeBinary(octets)).digest("hex"),
  };
}

/** The keys of each purpose that one key gives. */
type Ring = (purpose: Purpose) => Siv;

function opened(rings: readonly Ring[], purpose: Purpose, token: string, context: string): string | undefined {
  const sealed = decodeBase64Url(token, longest[purpose]);
  if (sealed === undefined) return undefined;
  for (const ring of rings) {
    const text = ring(purpose).open(sealed, context);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Tokens that come back within the same call, again and again. */
function isRemembered(purpose: Purpose): boolean {
  return purpose === "return-address" || purpose === "route";
}

/** A token has no line break. */
function nameOf(purpose: Purpose, token: string, context: string): string {
  return `${purpose} ${token}\n${context}`;
}

/** The texts of tokens that were sealed or opened lately. No token that is not ours gets here. */
class KnownTokens {
  /** Two generations: when the younger one is full, the older one is forgotten. */
  #young = new Map<string, string>();
  #old = new Map<string, string>();

  get(name: string): string | undefined {
    return this.#young.get(name) ?? this.#old.get(name);
  }

  add(name: string, text: string): void {
    if (name.length > maxNameKept) return;
    if (this.#young.size >= tokensKept) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, text);
  }
}

/** Of each generation. */
const tokensKept = 500;
/** Characters: about 1 MB is kept in all at most. */
const maxNameKept = 600;

/** Maximum characters of tokens that may be longer because they never come from clients. */
const longest: Partial<Record<Purpose, number>> = { opening: 65_536, answer: 65_536 };

const keyrings = new WeakMap<readonly Uint8Array[], Keyring>();

/** The keyring of a configuration's keys, made once in an isolate. */
export function keyringOf(keys: readonly Uint8Array[]): Keyring {
  const known = keyrings.get(keys) ?? createKeyring(keys);
  keyrings.set(keys, known);
  return known;
}

/** Independent keys for each purpose, made when they are first needed. */
function derive(key: Uint8Array): Ring {
  const made = new Map<Purpose, Siv>();
  return (purpose) => {
    const known = made.get(purpose);
    if (known !== undefined) return known;
    const fresh = new Siv(hmac(sha256, key, new TextEncoder().encode(purpose)));
    made.set(purpose, fresh);
    return fresh;
  };
}

function mac(keys: Siv, text: string): string {
  return encodeBase64Url(keys.mac(text));
}

function sameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
