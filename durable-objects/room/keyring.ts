import { createCipheriv, createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Keyring, Purpose } from "../../lib/authentication/keyring.ts";

const ivLength = 12;
const tagLength = 16;

interface PurposeKeys {
  readonly mac: Uint8Array;
  readonly seal: Uint8Array;
}

/**
 * The keyring over `node:crypto`. Tokens are AES-256-GCM; the nonce is a keyed hash of context and text, which makes sealing
 * deterministic and never uses one nonce for two texts.
 * @param keys at least one; the first makes, all open
 */
export function createKeyring(keys: readonly Uint8Array[]): Keyring {
  if (keys.length === 0) throw new Error("a keyring needs at least one key: SEAL_KEYS is not set");
  const derived = keys.map(() => new Map<Purpose, PurposeKeys>());
  const keyFor = (index: number, purpose: Purpose): PurposeKeys => {
    const known = derived[index]?.get(purpose);
    if (known !== undefined) return known;
    const master = keys[index] as Uint8Array;
    const made = { mac: hmac(master, `${purpose} mac`), seal: hmac(master, `${purpose} seal`) };
    derived[index]?.set(purpose, made);
    return made;
  };
  const mac = (index: number, purpose: Purpose, text: string) =>
    createHmac("sha256", keyFor(index, purpose).mac).update(text).digest("base64url");

  return {
    mac: (purpose, text) => mac(0, purpose, text),
    verify: (purpose, text, given) => keys.some((_, index) => sameText(mac(index, purpose, text).slice(0, given.length), given)),
    seal: (purpose, text, context) => seal(keyFor(0, purpose), text, context),
    open: (purpose, token, context) => {
      const sealed = Buffer.from(token, "base64url");
      if (sealed.length < ivLength + tagLength) return undefined;
      for (const index of keys.keys()) {
        const text = open(keyFor(index, purpose), sealed, context);
        if (text !== undefined) return text;
      }
      return undefined;
    },
    hash: (algorithm, text) => createHash(algorithm).update(text).digest("hex"),
  };
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}

function seal(keys: PurposeKeys, text: string, context: string): string {
  const iv = createHmac("sha256", keys.mac).update(`${context.length} ${context}${text}`).digest().subarray(0, ivLength);
  const cipher = createCipheriv("aes-256-gcm", keys.seal, iv);
  if (context !== "") cipher.setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64url");
}

function open(keys: PurposeKeys, sealed: Buffer, context: string): string | undefined {
  const decipher = createDecipheriv("aes-256-gcm", keys.seal, sealed.subarray(0, ivLength), { authTagLength: tagLength });
  if (context !== "") decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(-tagLength));
  const text = decipher.update(sealed.subarray(ivLength, -tagLength));
  try {
    return Buffer.concat([text, decipher.final()]).toString("utf8");
  } catch (error) {
    if (isWrongTag(error)) return undefined;
    throw error;
  }
}

/** What `final()` throws when the token is not one of ours: the expected outcome for forged, foreign and rotated-out tokens. */
function isWrongTag(error: unknown): boolean {
  return error instanceof Error && /authenticate data|bad decrypt|unable to authenticate/i.test(error.message);
}

function sameText(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

const keyrings = new WeakMap<readonly Uint8Array[], Keyring>();

/** The keyring of a configuration's keys, made once in an isolate. */
export function keyringOf(keys: readonly Uint8Array[]): Keyring {
  const known = keyrings.get(keys) ?? createKeyring(keys);
  keyrings.set(keys, known);
  return known;
}
