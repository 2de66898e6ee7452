import { canonicalUser, nameOfUser } from "../syntax/uri.ts";

/** The algorithms of tokens: all with a public key. With a shared secret, a server that verifies tokens could make them. */
export const tokenAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** Who says who the users of a domain are: an identity provider, or the application itself, by signed tokens (JWT, RFC 7519). */
export interface TokenIssuer {
  readonly domain: string;
  readonly name: string;
  /** The claim iss. */
  readonly issuer: string;
  /** Where its keys are (RFC 7517); absent if they are in `keys` for good. */
  readonly keysUrl?: string;
  readonly keys?: string;
  /** One of them has to be in the claim aud. */
  readonly audience: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  /** The claim that names the user: `alice`, or `alice@example.com`. */
  readonly userClaim: string;
  /** Seconds by which its clock may differ from ours. */
  readonly clockSkew: number;
  /** A user who does not exist is made when they sign in. */
  readonly createsUsers: boolean;
}

/** Characters of a token, and of a user's name. */
export const maxToken = 8192;
const maxName = 64;
/** Characters of its spelling in URIs. */
const maxEscaped = 192;

/** Whether a text has the form of a token: of an issuer (RFC 7515 §3.1), or of this server. */
export function isTokenForm(text: string): boolean {
  return text.length <= maxToken && /^(?:[\w-]+\.[\w-]+\.[\w-]+|of[tg]_[\w-]+)$/.test(text);
}

/** The user whom the claims of a token name, in canonical spelling; undefined if that is no user of the issuer's domain. */
export function userOfClaims(claims: Readonly<Record<string, unknown>>, { userClaim, domain }: TokenIssuer): string | undefined {
  const written = claims[userClaim];
  if (typeof written !== "string" || !written.isWellFormed()) return undefined;
  const at = written.lastIndexOf("@");
  if (at >= 0 && written.slice(at + 1).toLowerCase() !== domain) return undefined;
  const name = (at < 0 ? written : written.slice(0, at)).normalize("NFC");
  if (name === "" || name.length > maxName || /[\p{Cc}\p{Cf}@:"\\<>%]|^\s|\s$/u.test(name)) return undefined;
  const user = canonicalUser(name);
  return user.length <= maxEscaped && nameOfUser(user) === name ? user : undefined;
}
