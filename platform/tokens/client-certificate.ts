import { createHash, X509Certificate } from "node:crypto";
import type { TlsClientAuthentication } from "../../lib/authentication/presented-credentials.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { canonicalUser, parseUri } from "../../lib/syntax/uri.ts";
import { readCertificates } from "../stir/certificate.ts";

/** What a client certificate says of its owner. */
export interface ClientCertificate {
  /** The users whom it names. */
  readonly users: readonly { readonly user: string; readonly domain: string }[];
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
  /** Of the certificate. */
  readonly hash: string;
  readonly x509: X509Certificate;
}

/** Characters of a certificate in Base64: Cloudflare has a limit of 10 KiB. */
const maxLength = 16_384;
/** Users of one certificate that count. */
const maxUsers = 5;

/**
 * The certificate of a connection that TLS at the edge has verified (RFC 8446 §4.4.2), with the SIP URIs that have a user, and the mail
 * addresses, among its names (`subjectAltName`). Undefined if there is none, or it names no user.
 */
export function readClientCertificate(tls: TlsClientAuthentication | undefined, now: number): ClientCertificate | undefined {
  const { certVerified, certRevoked, certRFC9440: written = "" } = tls ?? {};
  const [, base64] = /^:([A-Za-z0-9+/=]+):$/.exec(written.slice(0, maxLength)) ?? [];
  if (certVerified !== "SUCCESS" || certRevoked === "1" || base64 === undefined) return undefined;
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(Buffer.from(base64, "base64"));
  } catch {
    // The platform has an error of its own for each kind of malformed certificate.
    return undefined;
  }
  const [from, until] = [Date.parse(x509.validFrom), Date.parse(x509.validTo)];
  const users = usersIn(x509.subjectAltName ?? "");
  if (users.length === 0 || !(from <= now && now < until)) return undefined;
  return { users, from, until, hash: createHash("sha256").update(x509.raw).digest("hex").slice(0, 22), x509 };
}

/** Whether a text is the certificate of one authority. */
export function isAuthority(pem: string): boolean {
  return authorityIn(pem) !== undefined;
}

/** Whether an authority, in PEM, has issued it itself. */
export function isIssuedBy({ x509 }: ClientCertificate, authority: string): boolean {
  const issuer = authorityIn(authority);
  return issuer !== undefined && x509.checkIssued(issuer) && x509.verify(issuer.publicKey);
}

function authorityIn(pem: string): X509Certificate | undefined {
  const [one] = readCertificates(pem, 1) ?? [];
  return one?.extensions.isAuthority === true && one.extensions.maySignCertificates ? one.x509 : undefined;
}

/** Of a list as `URI:sip:alice@example.com, email:bob@example.com`; names in quotation marks have characters that no user has. */
function usersIn(names: string): ClientCertificate["users"] {
  return names
    .split(", ")
    .map((name) => /^URI:(sips?:[^",\s]+)$/.exec(name)?.[1] ?? /^email:([^",\s]+)$/.exec(name)?.[1]?.replace(/^/, "sip:"))
    .flatMap((name) => {
      const uri = name === undefined ? undefined : parseUri(name);
      if (uri === undefined || isFault(uri) || uri.kind !== "sip" || uri.user === undefined) return [];
      return [{ user: canonicalUser(uri.user), domain: uri.host.toLowerCase() }];
    })
    .slice(0, maxUsers);
}
