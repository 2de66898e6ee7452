import { compactVerify, errors, importJWK } from "jose";
import type { NumberFormat } from "../../lib/routing/number-format.ts";
import { type SignedCall, checkClaims, claimsOfCompact, leadsTo, signedCall } from "../../lib/stir/check-claims.ts";
import { type IdentityHeader, readIdentities } from "../../lib/stir/identity-header.ts";
import { coversNumber } from "../../lib/stir/number-authority.ts";
import { type Claims, buildPassport, readPassport } from "../../lib/stir/passport.ts";
import { notVerified } from "../../lib/stir/verification.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { Verification } from "../../lib/transport/verification.ts";
import { encodeBinary } from "../bytes.ts";
import { decodeBase64Url, encodeBase64Url } from "../crypto/base64url.ts";
import { within } from "../within.ts";
import type { TrustedSigner } from "./chain.ts";

/** A call from a trunk whose caller is to be verified. */
export interface CallToVerify {
  readonly request: Request;
  /** The number that it is for, without a plus; undefined if it is for another name. */
  readonly dialled: string | undefined;
  readonly format: NumberFormat;
  /** Whether the server is trusted to assert who calls. */
  readonly isTrusted: boolean;
}

/** Verifies the caller of a call. It never throws, and takes no longer than its deadline. */
export type VerifyCaller = (call: CallToVerify, now: number) => Promise<Verification>;

/** Who has signed with the certificate at a URL. */
export type FindSigner = (url: string, now: number) => Promise<TrustedSigner | Fault>;

/**
 * What takes too long goes on: the next call has the certificate.
 * @param now milliseconds, as is the deadline
 */
export async function verifyInTime(find: FindSigner, call: CallToVerify, now: number, deadline: number): Promise<Verification> {
  const { request, dialled, format, isTrusted } = call;
  const signed = signedCall(request, dialled, format, isTrusted);
  if (isFault(signed)) return notVerified(signed);
  const late = `the certificate was not there in ${deadline} ms`;
  try {
    return await within(deadline, verify(find, request, signed, now), late);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (why !== late) console.error(JSON.stringify({ note: "a caller could not be verified", error: why }));
    return notVerified(fault(436, why === late ? late : "the caller could not be verified: the log has the reason"), signed.number);
  }
}

/** RFC 8224 §6.2: one valid signature is enough. */
async function verify(find: FindSigner, request: Request, call: SignedCall, now: number): Promise<Verification> {
  const identities = readIdentities(request);
  if (isFault(identities)) return notVerified(identities, call.number);
  const checked = await Promise.all(identities.map((one) => (isFault(one) ? one : verifyOne(find, one, call, now))));
  const about = checked.flatMap((one, index) => {
    const identity = identities[index];
    const isDiversion = identity !== undefined && !isFault(identity) && identity.ppt === "div";
    return [{ one, isDiversion }];
  });
  const faults = about.flatMap(({ one, isDiversion }) => (isFault(one) && !isDiversion ? [one] : []));
  const valid = about.flatMap(({ one, isDiversion }) => (isFault(one) || isDiversion ? [] : [one]));
  const [first] = valid;
  if (first === undefined) return notVerified(faults[0] ?? fault(438, "there is no valid PASSporT"), call.number);
  const diversions = about.flatMap(({ one, isDiversion }) => (isFault(one) || !isDiversion ? [] : [one]));
  const caller = valid.find((claims) => leadsTo(claims, diversions, call));
  if (caller === undefined) return notVerified(undirected, call.number);
  const { attest, origid } = caller;
  const more = { ...(attest === undefined ? {} : { attestation: attest }), ...(origid === undefined ? {} : { originId: origid }) };
  return { result: "passed", number: call.number, ...more };
}

/** The PASSporT may have been copied from another call. */
const undirected = fault(428, "the PASSporT is for another number than the call, and none of the type div says why");

/** The claims of one Identity header, if it is valid. Nothing is fetched for claims that are about another call. */
async function verifyOne(find: FindSigner, identity: IdentityHeader, call: SignedCall, now: number): Promise<Claims | Fault> {
  const claims = claimsIn(identity, call);
  const wrong = isFault(claims) ? claims : checkAny(claims, identity, call, now);
  if (isFault(claims) || wrong !== undefined) return wrong ?? claims;
  const signer = await find(identity.info, now);
  if (isFault(signer)) return signer;
  // Who forwards a call signs as the one who was called before.
  const number = claims.div ?? claims.orig;
  if ("tn" in number && !coversNumber(signer.numbers, number.tn))
    return fault(437, "the certificate of the signature is not for this number");
  const isSigned = await isSignedBy(signer, tokenOf(identity, claims));
  return isSigned ? claims : fault(438, "the signature is wrong");
}

/** A diversion is about another pair of numbers, but as fresh, and about the same caller. */
function checkAny(claims: Claims, { ppt }: IdentityHeader, call: SignedCall, now: number): Fault | undefined {
  return checkClaims(claims, ppt === "div" ? { ...call, to: claims.dest[0] ?? call.to } : call, now);
}

function claimsIn({ parts: [header, claims], info, ppt }: IdentityHeader, call: SignedCall): Claims | Fault {
  if (header === "" && ppt !== undefined) return fault(438, `a PASSporT of the type ${ppt} is never compact`);
  if (header === "") return claimsOfCompact(call);
  const [readHeader, readClaims] = [decoded(header), decoded(claims)];
  if (readHeader === undefined || readClaims === undefined) return fault(438, "a PASSporT is not written in base64url");
  return readPassport(readHeader, readClaims, { info, ...(ppt === undefined ? {} : { ppt }) });
}

const maxPart = 6000;

function decoded(part: string): string | undefined {
  const octets = decodeBase64Url(part, maxPart);
  return octets === undefined ? undefined : Buffer.from(octets).toString("latin1");
}

/** The signed text with its signature; that of a compact PASSporT is built again (RFC 8225 §7). */
function tokenOf({ parts, info, ppt }: IdentityHeader, claims: Claims): string {
  if (parts[0] !== "") return parts.join(".");
  const { header, claims: payload } = buildPassport(claims, info, ppt);
  return [JSON.stringify(header), payload]
    .map((text) => encodeBase64Url(encodeBinary(text)))
    .concat(parts[2])
    .join(".");
}

async function isSignedBy({ key }: TrustedSigner, token: string): Promise<boolean> {
  try {
    await compactVerify(token, await importJWK(key, "ES256"), { algorithms: ["ES256"] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}
