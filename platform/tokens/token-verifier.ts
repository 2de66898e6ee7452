import { type JWTPayload, createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from "jose";
import { type TokenIssuer, isTokenForm, userOfClaims } from "../../lib/authentication/token-issuer.ts";
import { readConfiguration } from "../configuration.ts";
import { keyringOf } from "../crypto/keyring.ts";
import { directoryOf } from "../directory/directory.ts";
import { DirectoryUnavailable } from "../directory/errors.ts";
import { IssuerStore, type KnownIssuer } from "../directory/issuer-store.ts";
import type { Environment } from "../environment.ts";
import { oneInIsolate } from "../isolate.ts";
import { Shared } from "../shared.ts";
import { isOwnToken, readOwnToken } from "./own-token.ts";
import { KeySets } from "./key-sets.ts";

/** What a valid token says: who signs in, and until when. Times in milliseconds. */
export interface VerifiedToken {
  /** Canonical user part. */
  readonly user: string;
  readonly domain: string;
  /** The last moment at which it may have been issued: that of an issuer has whole seconds. 0 if it does not say so. */
  readonly issued: number;
  readonly until: number;
  /** Of the user; absent if it is for any user of this name. */
  readonly generation?: number;
  /** Where it comes from; absent: from this server. */
  readonly issuer?: TokenIssuer;
}

/** Which domain a token may be for. */
interface WantedDomain {
  /** Absent: any of ours. */
  readonly only?: string | undefined;
  /** If several accept it. */
  readonly preferred?: string | undefined;
}

/** What a token says of itself before anything is verified. */
interface Unverified {
  readonly issuer: string;
  readonly claims: JWTPayload;
  readonly keyId: string | undefined;
}

/** Milliseconds: a token that lives longer has to be shown again. */
const maxLifetime = 30 * 86_400_000;
/** Characters of what a challenge names; of the claim iss. */
const maxAuthorizationServer = 200;
const maxIssuer = 512;
/** Characters of a domain (RFC 1035 §2.3.4). */
const maxDomain = 253;
/** Milliseconds that the issuers with a claim iss are known, and claims that are remembered. */
const lifetime = 10_000;
const maxClaims = 1000;

/** Verifies tokens (RFC 7519 §7.2, RFC 8725). */
class TokenVerifier {
  readonly #environment: Environment;
  readonly #keySets: KeySets;
  readonly #withClaim = new Map<string, Shared<KnownIssuer[]>>();

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#keySets = new KeySets(environment);
  }

  /** @returns undefined if the token is not accepted, for whatever reason: the log has it */
  async verify(token: string, { only: domain, preferred }: WantedDomain, now: number): Promise<VerifiedToken | undefined> {
    if (isOwnToken(token)) return this.#own(token, domain, now);
    const unverified = isTokenForm(token) ? readUnverified(token) : undefined;
    if (unverified === undefined) return refused("it is malformed", undefined);
    const issuers = await this.#issuersOf(unverified.issuer, { only: domain, preferred }, now);
    if (issuers.length === 0) return refused("no such issuer is configured", unverified.issuer);
    const accepted: VerifiedToken[] = [];
    for (const known of issuers.filter(({ issuer }) => mayBeFor(unverified.claims, issuer))) {
      const verified = await this.#verifyBy(known, token, unverified, now);
      // The issuers of other domains have no say where this one accepts it.
      if (verified?.domain === preferred && verified !== undefined) return verified;
      if (verified !== undefined) accepted.push(verified);
    }
    if (accepted.length < 2) return accepted[0] ?? refused("no issuer accepts it", unverified.issuer);
    return refused("several domains have this issuer and audience: the URL has to name the user", unverified.issuer);
  }

  #own(text: string, domain: string | undefined, now: number): VerifiedToken | undefined {
    const token = readOwnToken(keyringOf(readConfiguration(this.#environment).sealKeys), text, now);
    if (token === undefined || (domain !== undefined && token.domain !== domain)) return refused("it is not of this server", undefined);
    return token;
  }

  /** The issuers of a domain were changed. */
  forget(): void {
    this.#withClaim.clear();
  }

  /** In a cache of its own, because strangers choose the names. */
  async #issuersOf(claim: string, { only, preferred }: WantedDomain, now: number): Promise<readonly KnownIssuer[]> {
    if ((only ?? preferred ?? "").length > maxDomain) return [];
    const name = JSON.stringify([claim, only, preferred]);
    const ask = () => new IssuerStore(this.#environment.DIRECTORY).withClaim(claim, only, preferred);
    const shared = this.#withClaim.get(name) ?? new Shared(lifetime, ask);
    this.#withClaim.delete(name);
    this.#withClaim.set(name, shared);
    const [oldest] = this.#withClaim.keys();
    if (this.#withClaim.size > maxClaims && oldest !== undefined) this.#withClaim.delete(oldest);
    return shared.at(now);
  }

  async #verifyBy(known: KnownIssuer, token: string, { keyId }: Unverified, now: number): Promise<VerifiedToken | undefined> {
    const { issuer } = known;
    const keys = await this.#keySets.of(known, keyId, now);
    if (keys === undefined) return refused("the keys of the issuer are not to be had", issuer.issuer);
    const { audience, algorithms, clockSkew, domain } = issuer;
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
        ...{ issuer: issuer.issuer, audience: [...audience], algorithms: [...algorithms], clockTolerance: clockSkew },
        ...{ requiredClaims: ["exp"], currentDate: new Date(now) },
      });
      const { iat } = payload;
      // It would outlive the revocation of all tokens.
      if (iat !== undefined && iat * 1000 > now + clockSkew * 1000) return refused("it was issued in the future", issuer.issuer);
      const user = userOfClaims(payload, issuer);
      if (user === undefined) return refused(`the claim ${issuer.userClaim} names no user of ${domain}`, issuer.issuer);
      return {
        issuer,
        user,
        domain,
        issued: iat === undefined ? 0 : iat * 1000 + 999,
        until: Math.min(((payload.exp ?? 0) + clockSkew) * 1000, now + maxLifetime),
      };
    } catch (error) {
      // Whatever a key or a token makes the library throw: another issuer may accept it.
      return refused(String(error), issuer.issuer);
    }
  }
}

/** The verifier of an isolate. */
export const tokenVerifierOf = oneInIsolate((environment: Environment) => new TokenVerifier(environment));

/** Where the users of a domain get tokens, for challenges; undefined if they need none, or a connection has no room to remember it. */
export async function authorizationServerOf(environment: Environment, domain: string): Promise<string | undefined> {
  try {
    const [first] = await directoryOf(environment).issuers(domain);
    return first === undefined ? undefined : authorizationServer(first.issuer);
  } catch (error) {
    // A phone with a password connects by what is known of its user.
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return undefined;
  }
}

export function authorizationServer({ issuer }: TokenIssuer): string | undefined {
  return issuer.length <= maxAuthorizationServer && /^[ -~]+$/.test(issuer) ? issuer : undefined;
}

/** Whether it names a user and an audience of an issuer: before keys are fetched for it. */
function mayBeFor(claims: JWTPayload, issuer: TokenIssuer): boolean {
  const { aud = [] } = claims;
  const audience = typeof aud === "string" ? [aud] : aud;
  return Array.isArray(audience) && audience.some((one) => issuer.audience.includes(one)) && userOfClaims(claims, issuer) !== undefined;
}

function readUnverified(token: string): Unverified | undefined {
  try {
    const claims = decodeJwt(token);
    const { iss } = claims;
    const { kid } = decodeProtectedHeader(token);
    if (typeof iss !== "string" || iss.length > maxIssuer) return undefined;
    return { issuer: iss, claims, keyId: typeof kid === "string" ? kid : undefined };
  } catch (error) {
    if (!(error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** The sender learns nothing of it. */
function refused(why: string, issuer: string | undefined): undefined {
  console.error(JSON.stringify({ note: "a token was refused", why, issuer }));
}
