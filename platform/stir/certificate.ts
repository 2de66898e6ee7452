import { X509Certificate } from "node:crypto";
import { type CertificateExtensions, readExtensions } from "../../lib/stir/certificate-extensions.ts";

/** A certificate with what its extensions allow. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly extensions: CertificateExtensions;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
}

/** Certificates of one chain. */
export const maxChain = 6;

const blocks = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]{1,20000}-----END CERTIFICATE-----/g;

/** The certificates of a text in PEM, in order; undefined if one of them is malformed, if there are none, or more than `most`. */
export function readCertificates(pem: string, most: number): readonly Certificate[] | undefined {
  const written = pem.match(blocks) ?? [];
  if (written.length === 0 || written.length > most) return undefined;
  const read = written.map(readCertificate);
  const good = read.filter((one) => one !== undefined);
  return good.length === read.length ? good : undefined;
}

function readCertificate(pem: string): Certificate | undefined {
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(pem);
  } catch {
    // The platform has an error of its own for each kind of malformed certificate.
    return undefined;
  }
  const extensions = readExtensions(x509.raw);
  const [from, until] = [Date.parse(x509.validFrom), Date.parse(x509.validTo)];
  if (extensions === undefined || Number.isNaN(from) || Number.isNaN(until)) return undefined;
  return { x509, extensions, from, until };
}
