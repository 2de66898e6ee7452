/**
 * The purpose of a sealed text or a keyed hash. Keys of different purposes are independent, so a token of one kind cannot be used as
 * another.
 */
export type Purpose =
  | "nonce"
  | "hint"
  | "guest"
  | "context"
  | "phone"
  | "route"
  | "return-address"
  | "temporary-gruu"
  | "trunk-secret"
  | "web-hook-secret"
  | "router-secret"
  | "routing-home"
  | "ice-secret"
  | "push-secret"
  | "media-secret"
  | "signing-key"
  | "access-token"
  | "guest-token"
  | "answer"
  | "turnstile-secret"
  | "opening";

/**
 * The cryptography that `lib/` needs, as an argument: synchronous, without randomness, so that equal input gives equal output (RFC 3261
 * §16.11 requires that for a stateless proxy's branches). The first key seals, every key opens.
 */
export interface Keyring {
  /** Keyed hash (AES-CMAC) of a text, base64url, 22 characters; callers may cut it. */
  mac(purpose: Purpose, text: string): string;
  /** The result of `mac` with the present key and with each older one: to find what was named before a key change. */
  macs(purpose: Purpose, text: string): readonly string[];
  /** Whether `mac`, possibly cut, was made from `text` by one of our keys. Constant time. */
  verify(purpose: Purpose, text: string, mac: string): boolean;
  /** Encrypts and authenticates a text, bound to a context that the token does not contain; base64url. */
  seal(purpose: Purpose, text: string, context: string): string;
  /** The text of a sealed token; undefined if it is not ours or was made for another context. */
  open(purpose: Purpose, token: string, context: string): string | undefined;
  /** Plain hash of a text as lower-case hexadecimal digits (RFC 7616 §3.2). */
  hash(algorithm: "md5" | "sha256", octets: string): string;
}
