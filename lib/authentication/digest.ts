import type { FlowId } from "../transport/identifiers.ts";
import type { DigestCredentials } from "../syntax/digest.ts";
import { equalUris, parseUri } from "../syntax/uri.ts";
import { isFault } from "../syntax/fault.ts";
import type { Keyring } from "./keyring.ts";
import { type NoncePlace, mintNonce, verifyNonce } from "./nonce.ts";

/**
 * H(username:realm:password) in each algorithm that we challenge with, as hexadecimal digits; the password is not stored. A text that is
 * not such a hash, for example the empty one, verifies nothing.
 */
export interface Secret {
  readonly md5: string;
  readonly sha256: string;
}

/** The highest nonce count seen for each user of each nonce on this socket, newest last (RFC 7616 §5.5: a count is never used twice). */
export type NonceCounts = readonly (readonly [use: string, count: number])[];

/** Where and when the credentials were presented. */
export interface Presentation {
  readonly method: string;
  readonly requestUri: string;
  readonly flow: FlowId;
  /** Milliseconds. */
  readonly now: number;
  readonly counts: NonceCounts;
  /** Seconds that a nonce is valid. */
  readonly nonceLifetime: number;
}

export type Verdict = { readonly kind: "accepted"; readonly counts: NonceCounts } | { readonly kind: "refused"; readonly stale: boolean };

const refused: Verdict = { kind: "refused", stale: false };
const stale: Verdict = { kind: "refused", stale: true };
const usesKept = 16;

/**
 * The challenges of a 401 or 407, strongest first, each in its own header line: JsSIP and SIP.js know only MD5 and use the last line, other
 * clients use the first one that they understand (RFC 8760 §2.4).
 */
export function challenge(keyring: Keyring, realm: string, place: NoncePlace, isStale: boolean): readonly string[] {
  const nonce = mintNonce(keyring, place);
  const common = `realm="${realm}", nonce="${nonce}", qop="auth"${isStale ? ", stale=true" : ""}`;
  return [`Digest ${common}, algorithm=SHA-256`, `Digest ${common}, algorithm=MD5`];
}

/**
 * Verifies digest credentials by RFC 7616 §3.4 and RFC 8760. An unknown user is verified against a secret that no password matches, at the
 * same cost and with the same answer as a wrong password.
 */
export function verifyCredentials(keyring: Keyring, credentials: DigestCredentials, secret: Secret, at: Presentation): Verdict {
  const nonce = verifyNonce(keyring, credentials.nonce, at.flow, at.now, at.nonceLifetime);
  if (nonce === "foreign") return refused;
  const expected = expectedResponse(keyring, credentials, secret, at.method);
  if (expected === undefined || !sameText(expected, credentials.response.toLowerCase())) return refused;
  if (!isSameUri(credentials.uri, at.requestUri)) return refused;
  if (nonce === "stale") return stale;
  return count(credentials, at.counts);
}

function expectedResponse(keyring: Keyring, credentials: DigestCredentials, secret: Secret, method: string): string | undefined {
  const algorithm = algorithmOf(credentials);
  if (algorithm === undefined) return undefined;
  const { nonce, nc, cnonce, qop } = credentials;
  const ha2 = keyring.hash(algorithm, `${method}:${credentials.uri}`);
  const ha1 = secret[algorithm];
  if (qop !== undefined && (qop.toLowerCase() !== "auth" || nc === undefined || cnonce === undefined)) return undefined;
  const response = keyring.hash(algorithm, qop === undefined ? `${ha1}:${nonce}:${ha2}` : `${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`);
  return isHash(algorithm, ha1) ? response : undefined;
}

/** A secret that is not a hash is public, because it stands in this code: a response made from it proves nothing. */
function isHash(algorithm: "md5" | "sha256", text: string): boolean {
  return text.length === (algorithm === "md5" ? 32 : 64) && /^[0-9a-f]+$/.test(text);
}

function algorithmOf(credentials: DigestCredentials): "md5" | "sha256" | undefined {
  switch (credentials.algorithm?.toUpperCase()) {
    case undefined:
    case "MD5":
      return "md5";
    case "SHA-256":
      return "sha256";
    default:
      return undefined;
  }
}

/** RFC 7616 §3.4.6: the server must make sure that the digest's uri and the request's are the same resource. */
export function isSameUri(written: string, requestUri: string): boolean {
  if (written === requestUri) return true;
  const one = parseUri(written);
  const other = parseUri(requestUri);
  return !isFault(one) && !isFault(other) && equalUris(one, other);
}

/** Without qop a nonce is valid for one request; with qop each count is valid once, in rising order. */
function count(credentials: DigestCredentials, counts: NonceCounts): Verdict {
  const used = credentials.qop === undefined ? Number.MAX_SAFE_INTEGER : Number.parseInt(credentials.nc ?? "", 16);
  if (!(used > 0)) return refused;
  // Accounts that share a socket may share a nonce, but not its counts.
  const use = `${credentials.nonce} ${credentials.username}@${credentials.realm}`;
  const highest = counts.find(([known]) => known === use)?.[1] ?? 0;
  if (used <= highest) return stale;
  const others = counts.filter(([known]) => known !== use);
  const oldest = others[0];
  if (highest === 0 && others.length >= usesKept && oldest !== undefined && timeOf(use) < timeOf(oldest[0])) return stale;
  return { kind: "accepted", counts: [...others, [use, used] as const].slice(-usesKept) };
}

/** The time at the beginning of a nonce. */
function timeOf(use: string): number {
  return Number.parseInt(use, 36);
}

function sameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
