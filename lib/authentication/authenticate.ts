import { readCredentials } from "../syntax/digest.ts";
import { type Fault, fault } from "../syntax/fault.ts";
import { type Request, headerValue, headerValues } from "../syntax/message.ts";
import { canonicalUser } from "../syntax/uri.ts";
import { type NonceCounts, type Presentation, type Secret, challenge, isSameUri, verifyCredentials } from "./digest.ts";
import type { Keyring } from "./keyring.ts";
import { verifyNonce } from "./nonce.ts";

/**
 * The secret of an account whose name has another spelling in URIs. A digest hashes the spelling that the phone was given (RFC 7616
 * §3.4.2).
 */
export interface AccountSecret extends Secret {
  /** Made with the escaped spelling, if that differs from the name. */
  readonly escaped?: Secret | undefined;
}

/** The account whose credentials a request must carry, and where the request arrived. */
export interface Claim {
  /** Canonical user part. */
  readonly user: string;
  /** Also the realm. */
  readonly domain: string;
  readonly secret: AccountSecret;
  readonly at: Omit<Presentation, "method" | "requestUri">;
  /** We answer the request ourselves, whatever its method (RFC 3261 §22.2). */
  readonly isServer?: boolean;
}

/**
 * Authenticates a request by its credentials (RFC 3261 §22.1 to §22.3): 401 and Authorization where we are the server, as for REGISTER, 407
 * and Proxy-Authorization for anything that is forwarded. Several credentials of one algorithm are answered with 400, and none of them is
 * tried. Returns the nonce counts to remember, or the challenge to answer with.
 */
export function authenticate(keyring: Keyring, request: Request, claim: Claim): { readonly counts: NonceCounts } | Fault {
  const isServer = claim.isServer === true || request.method === "REGISTER";
  const { method, requestUri } = request;
  let isStale = false;
  const own = readCredentials(request, isServer ? "authorization" : "proxy-authorization").filter(
    ({ realm, username }) => realm === claim.domain && canonicalUser(username) === claim.user,
  );
  const algorithms = own.map(({ algorithm }) => algorithm?.toUpperCase() ?? "MD5");
  if (new Set(algorithms).size < algorithms.length) return repeatedCredentials;
  for (const credentials of own) {
    const secret = secretFor(claim, credentials.username);
    const verdict = verifyCredentials(keyring, credentials, secret, { ...claim.at, method, requestUri });
    if (verdict.kind === "accepted") return { counts: verdict.counts };
    isStale ||= verdict.stale;
  }
  // Sent for right and wrong passwords alike: it names the fault if a proxy of the phone has changed the Request-URI.
  const isOther = own.some(({ uri }) => !isSameUri(uri, requestUri));
  const why = isOther ? "the uri of the credentials is not the Request-URI" : "authentication is required";
  return askForCredentials(keyring, request, isServer, claim, { isStale, why });
}

const repeatedCredentials = fault(400, "credentials for the same realm, user and algorithm are repeated");

/**
 * Whether a request answers a challenge of ours on this connection: only then its password is worth a check. What has another nonce, or
 * none, is refused whatever the password is.
 */
export function answersChallenge(
  keyring: Keyring,
  request: Request,
  { flow, now, nonceLifetime }: Pick<Presentation, "flow" | "now" | "nonceLifetime">,
): boolean {
  const all = [...readCredentials(request, "authorization"), ...readCredentials(request, "proxy-authorization")];
  return all.some(({ nonce }) => verifyNonce(keyring, nonce, flow, now, nonceLifetime) === "fresh");
}

/** What distinguishes the requests of one connection. */
function nameOf(request: Request): string {
  return ["via", "call-id", "cseq"].map((name) => headerValue(request, name) ?? "").join("\n");
}

/** The username is the account's name, or its spelling in URIs: the two have different hashes. */
function secretFor({ secret, user }: Claim, username: string): Secret {
  return username === user && user.includes("%") ? (secret.escaped ?? nobody) : secret;
}

interface Challenge {
  readonly isStale: boolean;
  /** The text of the challenge's Warning. */
  readonly why: string;
}

function askForCredentials(
  keyring: Keyring,
  request: Request,
  isServer: boolean,
  { domain, at }: Claim,
  { isStale, why }: Challenge,
): Fault {
  const name = isServer ? "WWW-Authenticate" : "Proxy-Authenticate";
  const challenges = challenge(keyring, domain, { ...at, request: nameOf(request) }, isStale);
  return fault(
    isServer ? 401 : 407,
    why,
    challenges.map((value) => [name, value]),
  );
}

/**
 * A secret that no password matches. An unknown user is verified against it, at the same cost and with the same answer as a wrong password.
 */
export const nobody: Secret = { md5: "no password hashes to this", sha256: "no password hashes to this" };

/** Wrong credentials that may be tried on one connection before it is closed. The number of connections is limited too. */
export const guessesAllowed = 20;

/**
 * How many credentials a refused request has tried: those of another account count, those that are only stale do not. Repeated ones, which
 * were not looked at, count as one, so that such requests end too.
 */
export function guessesIn(request: Request, refusal: Fault): number {
  if (refusal === repeatedCredentials) return 1;
  return isGuess(refusal) ? credentialsIn(request).length : 0;
}

/** How many passwords among them, which the next attempts have to wait for. A token is not guessed. */
export function passwordsIn(request: Request, refusal: Fault): number {
  return isGuess(refusal) ? credentialsIn(request).filter((value) => !/^Bearer /i.test(value)).length : 0;
}

function isGuess({ status, headers }: Fault): boolean {
  return (status === 401 || status === 407) && headers?.some(([, value]) => value.includes("stale=true")) !== true;
}

function credentialsIn(request: Request): string[] {
  return [...headerValues(request, "authorization"), ...headerValues(request, "proxy-authorization")];
}
