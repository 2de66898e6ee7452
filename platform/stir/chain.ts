import type { JWK } from "jose";
import { type Fault, fault } from "../../lib/syntax/fault.ts";
import { type NumberAuthority, encompasses } from "../../lib/stir/number-authority.ts";
import type { Certificate } from "./certificate.ts";

/** A certificate that leads to an authority which this server trusts. */
export interface TrustedSigner {
  /** Its public key as a JSON Web Key, on the curve P-256. */
  readonly key: JWK;
  readonly numbers: NumberAuthority;
  /** Milliseconds since 1970: when all certificates of the chain are valid. */
  readonly from: number;
  readonly until: number;
}

/**
 * Finds the way from the first certificate of a chain to a root (RFC 8226 §7, RFC 5280 §6): each is signed by an authority, and none has a
 * critical extension that this server does not know. Times are not compared here.
 * @returns a fault with status 437 if there is no such way
 */
export function findTrustedSigner([first, ...others]: readonly Certificate[], roots: readonly Certificate[]): TrustedSigner | Fault {
  if (first === undefined) return unsupported("has no certificate");
  const { extensions } = first;
  if (extensions.isUnknown) return unsupported("has an extension that this server does not know");
  if (!extensions.maySignMessages) return unsupported("is for a key that may not sign");
  if (extensions.numbers === undefined) return unsupported("does not say whose numbers it is for (TNAuthList, RFC 8226)");
  const key = keyOf(first);
  if (key === undefined) return unsupported("does not have a key on the curve P-256");
  const path = pathToRoot(first, others, roots);
  if (path === undefined) return unsupported("does not lead to an authority that this server trusts");
  const { numbers } = extensions;
  if (path.slice(1).some((one) => one.extensions.numbers !== undefined && !encompasses(one.extensions.numbers, numbers)))
    return unsupported("is for numbers that its issuer may not sign for");
  const [from, until] = [Math.max(...path.map((one) => one.from)), Math.min(...path.map((one) => one.until))];
  return { key, numbers, from, until };
}

/** From the first certificate to the root; undefined if there is no way. */
function pathToRoot(first: Certificate, others: readonly Certificate[], roots: readonly Certificate[]): readonly Certificate[] | undefined {
  const path = [first];
  for (;;) {
    const last = path.at(-1) ?? first;
    const root = roots.find((one) => isSame(one, last) || isIssuer(one, last, path.length - 1));
    if (root !== undefined) return [...path, root];
    const next = others.find((one) => !path.includes(one) && isIssuer(one, last, path.length - 1));
    if (next === undefined) return undefined;
    path.push(next);
  }
}

/** @param authorities how many are below the issuer, besides the first certificate */
function isIssuer({ x509, extensions }: Certificate, { x509: issued }: Certificate, authorities: number): boolean {
  const { isUnknown, isAuthority, maySignCertificates, pathLength = Number.POSITIVE_INFINITY } = extensions;
  if (isUnknown || !isAuthority || !maySignCertificates || authorities > pathLength) return false;
  return issued.checkIssued(x509) && issued.verify(x509.publicKey);
}

function isSame(one: Certificate, other: Certificate): boolean {
  return one.x509.raw.equals(other.x509.raw);
}

function keyOf({ x509 }: Certificate): JWK | undefined {
  const { publicKey } = x509;
  if (publicKey.asymmetricKeyType !== "ec") return undefined;
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  return kty === "EC" && crv === "P-256" && x !== undefined && y !== undefined ? { kty, crv, x, y } : undefined;
}

function unsupported(why: string): Fault {
  return fault(437, `the certificate of the caller's signature ${why}`);
}
