import { CompactSign, type JWK, importJWK } from "jose";
import { type CallerStanding, attestationFor } from "../../lib/stir/attestation.ts";
import { type CallToSign, diversionClaims, shakenClaims } from "../../lib/stir/call-to-sign.ts";
import { writeIdentity } from "../../lib/stir/identity-header.ts";
import { type Claims, buildPassport } from "../../lib/stir/passport.ts";
import type { SigningSettings } from "../../lib/stir/signing-settings.ts";
import { encodeBinary } from "../bytes.ts";

/** How a call is signed. */
export interface CallOfCaller {
  readonly call: CallToSign;
  readonly standing: CallerStanding;
  /** Another server has signed it already: only a forwarding is signed. */
  readonly isSigned: boolean;
}

/**
 * The values of the Identity headers for a call: one about the caller, and one about a forwarding; none if the domain's policy is not to
 * sign such a call.
 * @param now milliseconds
 */
export async function signCall(settings: SigningSettings, { call, standing, isSigned }: CallOfCaller, now: number): Promise<string[]> {
  const iat = Math.floor(now / 1000);
  const attestation = attestationFor(settings.policy, standing);
  const isSignable = !isSigned && attestation !== undefined;
  // RFC 8588 §10: a new origid for each call, so that others cannot tell which calls belong together.
  const caller = isSignable ? [await sign(settings, shakenClaims(call, attestation, crypto.randomUUID(), iat), "shaken")] : [];
  const diversion = isSignable || isSigned ? diversionClaims(call, iat) : undefined;
  return diversion === undefined ? caller : [...caller, await sign(settings, diversion, "div")];
}

async function sign({ x5u, key }: SigningSettings, claims: Claims, ppt: string): Promise<string> {
  const { header, claims: payload } = buildPassport(claims, x5u, ppt);
  const signer = new CompactSign(encodeBinary(payload)).setProtectedHeader({ ...header });
  return writeIdentity(await signer.sign(await importJWK(JSON.parse(key) as JWK, "ES256")), x5u, ppt);
}
