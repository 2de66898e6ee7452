import { type TokenIssuer, userOfClaims } from "./token-issuer.ts";

/** The claims of a token that count here (RFC 7519 §4.1), unverified. */
export type Claims = Readonly<Record<string, unknown>>;

/** Whether claims name a user and an audience of an issuer: before any key is looked for. */
export function mayBeFor({ iss, aud = [], ...claims }: Claims, issuer: TokenIssuer): boolean {
  const audience = typeof aud === "string" ? [aud] : aud;
  if (iss !== issuer.issuer || !Array.isArray(audience)) return false;
  return audience.some((one) => issuer.audience.includes(one as string)) && userOfClaims(claims, issuer) !== undefined;
}

/** Why claims do not count at this time (milliseconds); undefined if they do. */
export function refuseTimes({ exp, nbf, iat }: Claims, { clockSkew }: Pick<TokenIssuer, "clockSkew">, now: number): string | undefined {
  const seconds = Math.floor(now / 1000);
  for (const time of [nbf, iat]) if (time !== undefined && typeof time !== "number") return "a time in it is no number";
  if (typeof exp !== "number") return "it has no end";
  if (exp <= seconds - clockSkew) return "it has expired";
  if (typeof nbf === "number" && nbf > seconds + clockSkew) return "it is not valid yet";
  // It would outlive the revocation of all tokens.
  return typeof iat === "number" && iat > seconds + clockSkew ? "it was issued in the future" : undefined;
}
