import { isFault } from "../../lib/syntax/fault.ts";
import type { SigningSettings } from "../../lib/stir/signing-settings.ts";
import type { Environment } from "../environment.ts";
import { type Certificate, maxChain, readCertificates } from "./certificate.ts";
import { fetchChain } from "./certificate-fetch.ts";

/** Whether the certificate at the URL of a domain belongs to its private key: until when, or why not, in words for the administrator. */
export type SigningCheck = { readonly until: number } | { readonly why: string };

/** Fetches the certificate, as those who are called do. @param now milliseconds */
export async function checkSigning(environment: Environment, settings: SigningSettings, now: number): Promise<SigningCheck> {
  const chain = await fetchChain(environment, settings.x5u);
  if (isFault(chain)) return { why: chain.fault };
  const [first] = readCertificates(chain.pem, maxChain) ?? [];
  if (first === undefined) return { why: `there are no certificates in PEM at the URL, a malformed one, or more than ${maxChain}` };
  const why = whyOther(first, settings, now);
  return why === undefined ? { until: first.until } : { why };
}

function whyOther({ x509, extensions, from, until }: Certificate, { key }: SigningSettings, now: number): string | undefined {
  const { x, y } = x509.publicKey.export({ format: "jwk" });
  const own = JSON.parse(key) as JsonWebKey;
  if (x === undefined || x !== own.x || y !== own.y) return "the first certificate at the URL is for another private key";
  if (extensions.numbers === undefined) return "the certificate names no numbers and no provider (TNAuthList, RFC 8226)";
  if (now < from) return "the certificate is not valid yet";
  return now > until ? "the certificate has expired" : undefined;
}
