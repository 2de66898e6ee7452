import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from "jose";
import { type TokenIssuer, isTokenForm, userOfClaims } from "../../lib/authentication/token-issuer.ts";
import { directoryOf } from "../directory/directory.ts";
import { IssuerStore, type KnownIssuer } from "../directory/issuer-store.ts";
import type { Environment } from "../environment.ts";
import { oneInIsolate } from "../isolate.ts";
import { Shared } from "../shared.ts";
import { KeySets } from "./key-sets.ts";

/** What a valid token says: who signs in, and until when. */
export interface VerifiedToken {
  readonly issuer: TokenIssuer;
  /** Canonical user part. */
  readonly user: string;
  readonly domain: string;
  /** Milliseconds. */
  readonly until: number;
}

/** Which domain a token may be for. */
interface WantedDomain {
  /** Absent: any of ours. */
  readonly only?: string;
  /** If several accept it. */
  readonly preferred?: string;
}

/** What a token says of itself before anything is verified. */
interface Unverified {
  readonly issuer: string;
  readonly keyId: string | undefined;
}

/** Characters of the claim iss. */
const maxIssuer = 512;
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
    const unverified = isTokenForm(token) ? readUnverified(token) : undefined;
    if (unverified === undefined) return refused("it is malformed", undefined);
    const issuers = await this.#issuersOf(unverified.issuer, domain, now);
    const accepted: VerifiedToken[] = [];
    for (const known of issuers) {
      const verified = await this.#verifyBy(known, token, unverified, now);
      if (verified !== undefined) accepted.push(verified);
    }
    if (issuers.length === 0) return refused("no such issuer is configured", unverified.issuer);
    if (accepted.length < 2) return accepted[0];
    const here = accepted.find((one) => one.domain === preferred);
    return here ?? refused("several domains have this issuer and audience: the URL has to name the user", unverified.issuer);
  }

  async #issuersOf(claim: string, domain: string | undefined, now: number): Promise<readonly KnownIssuer[]> {
    const all = domain === undefined ? await this.#anywhere(claim, now) : await directoryOf(this.#environment).issuers(domain);
    return all.filter(({ issuer }) => issuer.issuer === claim);
  }

  /** The issuers of a domain were changed. */
  forget(): void {
    this.#withClaim.clear();
  }

  #anywhere(claim: string, now: number): Promise<KnownIssuer[]> {
    const ask = () => new IssuerStore(this.#environment.DIRECTORY).withClaim(claim);
    const shared = this.#withClaim.get(claim) ?? new Shared(lifetime, ask);
    this.#withClaim.delete(claim);
    this.#withClaim.set(claim, shared);
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
      const user = userOfClaims(payload, issuer);
      if (user === undefined) return refused(`the claim ${issuer.userClaim} names no user of ${domain}`, issuer.issuer);
      return { issuer, user, domain, until: ((payload.exp ?? 0) + clockSkew) * 1000 };
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return refused(error.message, issuer.issuer);
      throw error;
    }
  }
}

/** The verifier of an isolate. */
export const tokenVerifierOf = oneInIsolate((environment: Environment) => new TokenVerifier(environment));

/** Where the users of a domain get tokens, for challenges; undefined if they need none. */
export async function authorizationServerOf(environment: Environment, domain: string): Promise<string | undefined> {
  const [first] = await directoryOf(environment).issuers(domain);
  return first?.issuer.issuer;
}

function readUnverified(token: string): Unverified | undefined {
  try {
    const { iss } = decodeJwt(token);
    const { kid } = decodeProtectedHeader(token);
    if (typeof iss !== "string" || iss.length > maxIssuer) return undefined;
    return { issuer: iss, keyId: typeof kid === "string" ? kid : undefined };
  } catch (error) {
    if (!(error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** The sender learns nothing of it. */
function refused(why: string, issuer: string | undefined): undefined {
  console.error(JSON.stringify({ note: "a token was refused", why, issuer }));
}
