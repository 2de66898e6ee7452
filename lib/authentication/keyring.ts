/** What a sealed text or a keyed hash is for: keys of different purposes are independent, so a token of one kind is worthless as another. */
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
  | "opening";

/**
 * The cryptography that `lib/` needs, as an argument: synchronous, without randomness, so that equal input gives equal output
 * (RFC 3261 §16.11 asks that of a stateless proxy's branches). The first key makes, every key opens.
 */
export interface Keyring {
  /** Keyed hash (AES-CMAC) of a text, base64url, 22 characters; callers cut it to what they need. */
  mac(purpose: Purpose, text: string): string;
  /** What `mac` makes, and would have made with each older key: to find again what was named before the keys were changed. */
  macs(purpose: Purpose, text: string): readonly string[];
  /** Whether `mac`, possibly cut, was made of `text` by one of our keys. Constant time. */
  verify(purpose: Purpose, text: string, mac: string): boolean;
  /** Encrypts and authenticates a text, bound to a context that is not carried; base64url. */
  seal(purpose: Purpose, text: string, context: string): string;
  /** The text of a sealed token; undefined if it is not ours or was made for another context. */
  open(purpose: Purpose, token: string, context: string): string | undefined;
  /** Plain hash of a text as lower-case hexadecimal digits (RFC 7616 §3.2). */
  hash(algorithm: "md5" | "sha256", octets: string): string;
}
