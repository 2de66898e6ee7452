import { createHash } from "node:crypto";
import { encodeBase64Url } from "./base64url.ts";
import { randomText } from "./random.ts";

const secretOctets = 32;
const checksumLength = 6;
/** `ofh_`, the id, `_`, the secret in base64url, the checksum of all before it. */
const shape = /^(ofh_([a-z0-9]{16})_[\w-]{43})([\w-]{6})$/;

/** A new key to the API: 256 random bits, so that its hash needs no salt. */
export function mintApiKey(): { readonly id: string; readonly text: string } {
  const id = randomText() + randomText();
  const beginning = `ofh_${id}_${encodeBase64Url(crypto.getRandomValues(new Uint8Array(secretOctets)))}`;
  return { id, text: beginning + checksumOf(beginning) };
}

/** The id in a key; undefined for a text that is not a key, or is one with a typing error. The checksum is no secret. */
export function idInApiKey(text: string): string | undefined {
  const [, beginning = "", id, checksum] = shape.exec(text) ?? [];
  return checksum === checksumOf(beginning) ? id : undefined;
}

/** SHA-256 of the whole key, in hexadecimal. */
export function hashOfApiKey(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function checksumOf(beginning: string): string {
  return createHash("sha256").update(`checksum of ${beginning}`).digest("base64url").slice(0, checksumLength);
}
