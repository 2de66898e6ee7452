import { type JWTPayload, compactVerify, decodeJwt, decodeProtectedHeader, errors } from "jose";
import { mayBeFor, refuseTimes } from "../../lib/authentication/token-claims.ts";
import {
  type TokenAlgorithm,
  type TokenIssuer,
  isTokenForm,
  tokenAlgorithms,
  userOfClaims,
} from "../../lib/authentication/token-issuer.ts";
import { readConfiguration } from "../configuration.ts";
import { keyringOf } from "../crypto/keyring.ts";
import { directoryOf } from "../directory/directory.ts";
import { DirectoryUnavailable } from "../directory/errors.ts";
import { IssuerStore, type KnownIssuer, maxShared } from "../directory/issuer-store.ts";
import type { Environment } from "../environment.ts";
import { oneInIsolate } from "../isolate.ts";
import { Shared } from "../shared.ts";
import { type MintedLimits, isOwnToken, readOwnToken } from "./own-token.ts";
import { type KeySet, KeySets } from "./key-sets.ts";

/** What a valid token says: who signs in, and until when. Times in milliseconds. */
export interface VerifiedToken {
  /** Canonical user part. */
  readonly user: string;
  readonly domain: string;
  /** The last moment at which it may have been issued: that of an issuer has whole seconds. 0 if it does not say so. */
  readonly issued: number;
  readonly until: number;
  /** Of a token of this server. */
  readonly limits?: MintedLimits;
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
  readonly algorithm: TokenAlgorithm;
}

/** Whether a signature is good, by the names of key sets: it is verified once with each, however many domains share it. */
type Signatures = Map<string, Promise<boolean>>;

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
    if (unverified === undefined) return refused("it is malformed");
    const issuers = await this.#issuersOf(unverified.issuer, { only: domain, preferred }, now);
    if (issuers.length === 0) return refused("no such issuer is configured", unverified.issuer);
    const accepted: VerifiedToken[] = [];
    const signatures: Signatures = new Map();
    for (const known of issuers.filter(({ issuer }) => mayBeFor(unverified.claims, issuer))) {
      const verified = await this.#verifyBy(known, token, unverified, signatures, now);
      // The issuers of other domains have no say where this one accepts it.
      if (verified?.domain === preferred && verified !== undefined) return verified;
      if (verified !== undefined) accepted.push(verified);
    }
    if (accepted.length < 2) return accepted[0] ?? refused("no issuer accepts it", unverified.issuer);
    return refused("several domains have this issuer and audience: the URL has to name the user", unverified.issuer);
  }

  #own(text: string, domain: string | undefined, now: number): VerifiedToken | undefined {
    const token = readOwnToken(keyringOf(readConfiguration(this.#environment).sealKeys), text, now);
    if (token === undefined || (domain !== undefined && token.domain !== domain))
      return refused("it is not of this server, or has expired");
    return token;
  }

  /** The issuers of a domain were changed. */
  forget(): void {
    this.#withClaim.clear();
    this.#keySets.forget();
  }

  /** Those that may accept the token, of the preferred domain first. */
  async #issuersOf(claim: string, { only, preferred }: WantedDomain, now: number): Promise<readonly KnownIssuer[]> {
    const wanted = only ?? preferred ?? "";
    const all = await this.#sharedBy(claim).at(now);
    const isOf = ({ issuer }: KnownIssuer) => issuer.domain === wanted;
    const isCut = all.length === maxShared && wanted !== "" && wanted.length <= maxDomain && !all.some(isOf);
    const more = isCut ? await directoryOf(this.#environment).issuers(wanted) : [];
    const own = [...all.filter(isOf), ...more.filter(({ issuer }) => issuer.issuer === claim)];
    return only === undefined ? [...own, ...all.filter((known) => !isOf(known))] : own;
  }

  /** By the claim alone, in a cache of its own, because strangers choose it. */
  #sharedBy(claim: string): Shared<KnownIssuer[]> {
    const ask = () => new IssuerStore(this.#environment.DIRECTORY).withClaim(claim);
    const shared = this.#withClaim.get(claim) ?? new Shared(lifetime, ask);
    this.#withClaim.delete(claim);
    this.#withClaim.set(claim, shared);
    const [oldest] = this.#withClaim.keys();
    if (this.#withClaim.size > maxClaims && oldest !== undefined) this.#withClaim.delete(oldest);
    return shared;
  }

  async #verifyBy(
    known: KnownIssuer,
    token: string,
    { keyId, claims, algorithm }: Unverified,
    signatures: Signatures,
    now: number,
  ): Promise<VerifiedToken | undefined> {
    const { issuer } = known;
    const { algorithms, clockSkew, domain } = issuer;
    if (!algorithms.includes(algorithm)) return refused(`its algorithm is ${algorithm}`, issuer.issuer);
    const keys = await this.#keySets.of(known, keyId, now);
    if (keys === undefined) return refused("the keys of the issuer are not to be had", issuer.issuer);
    const signed = signatures.get(keys.name) ?? isSigned(token, keys, issuer.issuer);
    signatures.set(keys.name, signed);
    if (!(await signed)) return undefined;
    const refusal = refuseTimes(claims, issuer, now);
    if (refusal !== undefined) return refused(refusal, issuer.issuer);
    const { iat, exp = 0 } = claims;
    return {
      issuer,
      user: userOfClaims(claims, issuer) ?? "",
      domain,
      issued: iat === undefined ? 0 : iat * 1000 + 999,
      until: Math.min((exp + clockSkew) * 1000, now + maxLifetime),
    };
  }
}

async function isSigned(token: string, { find }: KeySet, issuer: string): Promise<boolean> {
  try {
    await compactVerify(token, find, { algorithms: [...tokenAlgorithms] });
    return true;
  } catch (error) {
    // Whatever a key or a token makes the library throw: another key set may have signed it.
    refused(String(error), issuer);
    return false;
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

function readUnverified(token: string): Unverified | undefined {
  try {
    const claims = decodeJwt(token);
    const { iss } = claims;
    const { kid, alg, crit } = decodeProtectedHeader(token);
    const algorithm = tokenAlgorithms.find((one) => one === alg);
    // A critical extension could change what is signed (RFC 7797).
    if (typeof iss !== "string" || iss.length > maxIssuer || algorithm === undefined || crit !== undefined) return undefined;
    return { issuer: iss, claims, keyId: typeof kid === "string" ? kid : undefined, algorithm };
  } catch (error) {
    if (!(error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** A line of the log: the sender does not learn why a token is not accepted. */
export function refused(why: string, issuer?: string): undefined {
  console.error(JSON.stringify({ note: "a token was refused", why, issuer }));
}
