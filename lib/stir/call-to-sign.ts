import type { NumberFormat } from "../routing/number-format.ts";
import { parseDate } from "../syntax/date.ts";
import { isFault } from "../syntax/fault.ts";
import { type Request, headerValue, headerValues } from "../syntax/message.ts";
import { parseUri } from "../syntax/uri.ts";
import { isFresh } from "./check-claims.ts";
import type { Attestation } from "../transport/verification.ts";
import type { Claims } from "./passport.ts";
import {
  type PassportIdentity,
  internationalNumber,
  isSameIdentity,
  numberOfHeader,
  passportIdentity,
  telephoneNumber,
  uriIn,
} from "./telephone-identity.ts";

/** The parts of a call that are signed (RFC 8224 §6.1). */
export interface CallToSign {
  /** The caller's number. */
  readonly number: string;
  /** Whom the caller has called, and the number that the request is for. */
  readonly called: PassportIdentity;
  readonly dialled: string;
}

/** Why a call is not signed, in words for the administrator. */
export interface NotSigned {
  readonly why: string;
}

/**
 * What is to be signed of a request to a trunk.
 * @param forwardedBy the Request-URI that the last user who has forwarded the call was called by; undefined: it was not forwarded
 * @param now milliseconds
 */
export function callToSign(request: Request, format: NumberFormat, forwardedBy: string | undefined, now: number): CallToSign | NotSigned {
  const callers = [...headerValues(request, "p-asserted-identity").slice(0, 2), headerValue(request, "from")];
  const number = callers.map((value) => numberOfHeader(value, format, internationalNumber)).find((one) => one !== undefined);
  if (number === undefined) return { why: "the caller has no international telephone number" };
  const uri = parseUri(request.requestUri);
  const dialled = isFault(uri) ? undefined : telephoneNumber(uri, format);
  if (dialled === undefined) return { why: "the called address is not a telephone number" };
  const date = headerValue(request, "date");
  const written = date === undefined ? now : parseDate(date);
  // RFC 8224 §6.1 step 3: nothing is signed for a request whose Date is wrong.
  if (written === undefined || !isFresh(written, now)) return { why: "the Date of the call is not of the last minute" };
  return { number, called: calledBefore(request, format, forwardedBy) ?? { tn: dialled }, dialled };
}

/** Without a forwarding, To has what the caller dialled, and the Request-URI the number that this means (RFC 8224 §8.3). */
function calledBefore(request: Request, format: NumberFormat, forwardedBy: string | undefined): PassportIdentity | undefined {
  if (forwardedBy === undefined) return undefined;
  const to = uriIn(headerValue(request, "to"));
  const before = parseUri(forwardedBy);
  const named = isFault(before) ? undefined : passportIdentity(before, format);
  return named ?? (to === undefined ? undefined : passportIdentity(to, format));
}

/**
 * The claims about the caller (RFC 8588 §6).
 *
 * DEVIATION(RFC 8224 §4.1): the fingerprints of the media are not signed. SHAKEN has no `mky`, and the media of a trunk are often converted.
 * @param iat seconds
 */
export function shakenClaims({ number, called }: CallToSign, attest: Attestation, origid: string, iat: number): Claims {
  return { attest, dest: [called], iat, orig: { tn: number }, origid };
}

/** The claims about a forwarding (RFC 8946 §4.1); undefined if the call goes to the number that was called. */
export function diversionClaims({ number, called, dialled }: CallToSign, iat: number): Claims | undefined {
  const dest = { tn: dialled };
  return isSameIdentity(called, dest) ? undefined : { dest: [dest], div: called, iat, orig: { tn: number } };
}
