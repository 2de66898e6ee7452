import type { NumberFormat } from "../routing/number-format.ts";
import { sessionDescriptionOf } from "../syntax/body.ts";
import { parseDate } from "../syntax/date.ts";
import { Fault, fault, isFault } from "../syntax/fault.ts";
import { type Request, headerValue, headerValues } from "../syntax/message.ts";
import { parseUri } from "../syntax/uri.ts";
import { areSameMediaKeys, mediaKeysOf } from "./media-keys.ts";
import type { Claims, MediaKey } from "./passport.ts";
import { type PassportIdentity, isSameIdentity, numberOfHeader, passportIdentity, uriIn } from "./telephone-identity.ts";

/** What a PASSporT has to agree with: the request as it came (RFC 8224 §6.2 steps 2 and 4). */
export interface SignedCall {
  /** The caller's number. */
  readonly number: string;
  /** Whom To names. */
  readonly to: PassportIdentity;
  /** Whom the request is for; undefined if its Request-URI names no user. */
  readonly dialled: PassportIdentity | undefined;
  /** Milliseconds since 1970; undefined if the request has no Date. */
  readonly date: number | undefined;
  readonly mediaKeys: readonly MediaKey[];
}

/** Milliseconds that a time may be off (RFC 8224 §6.2 step 4). */
const freshness = 60_000;

/**
 * The parts of a call that a PASSporT has to agree with. The caller is who a trusted server asserts, otherwise who From names.
 * @param dialled the number that the request is for; undefined: whom the Request-URI names
 * @returns a fault with status 428 if the caller or the called address cannot be verified at all
 */
export function signedCall(request: Request, dialled: string | undefined, format: NumberFormat, isTrusted: boolean): SignedCall | Fault {
  const asserted = isTrusted ? headerValues(request, "p-asserted-identity").slice(0, 2) : [];
  const callers = [...asserted, headerValue(request, "from")].map((value) => numberOfHeader(value, format));
  const number = callers.find((one) => one !== undefined);
  if (number === undefined) return fault(428, "the caller has no telephone number that could be verified");
  const called = uriIn(headerValue(request, "to"));
  const to = called === undefined ? undefined : passportIdentity(called, format);
  if (to === undefined) return fault(428, "To has no name that a PASSporT could have");
  const date = headerValue(request, "date");
  const target = parseUri(request.requestUri);
  return {
    number,
    to,
    dialled: dialled === undefined ? (isFault(target) ? undefined : passportIdentity(target, format)) : { tn: dialled },
    date: date === undefined ? undefined : parseDate(date),
    mediaKeys: mediaKeysOf(sessionDescriptionOf(request)),
  };
}

/** Whether a time is within a minute of the present. @param time in milliseconds */
export function isFresh(time: number, now: number): boolean {
  return Math.abs(now - time) <= freshness;
}

/** Compares a PASSporT that names the caller with its call. @param now milliseconds */
export function checkClaims({ orig, dest, iat, mky }: Claims, { number, to, date, mediaKeys }: SignedCall, now: number): Fault | undefined {
  if (!isFresh(iat * 1000, now)) return stale("the PASSporT is not of the last minute");
  if (date !== undefined && !isFresh(date, now)) return stale("the Date of the call is not of the last minute");
  if (!isSameIdentity(orig, { tn: number })) return fault(438, "the PASSporT is for another caller");
  if (!dest.some((one) => isSameIdentity(one, to))) return fault(438, "the PASSporT is for a call to another number");
  if (mky !== undefined && !areSameMediaKeys(mky, mediaKeys)) return fault(438, "the PASSporT is for other media");
  return undefined;
}

/** The claims that the compact form leaves out, taken from the request (RFC 8224 §4.1, RFC 8225 §7). */
export function claimsOfCompact({ number, to, date, mediaKeys }: SignedCall): Claims | Fault {
  if (date === undefined) return fault(438, "the PASSporT is compact, and the call has no Date");
  const mky = mediaKeys.length === 0 ? {} : { mky: mediaKeys };
  return { orig: { tn: number }, dest: [to], iat: Math.floor(date / 1000), ...mky };
}

/**
 * Whether the PASSporTs explain how a call came to whom it is for (RFC 8946 §4.2): that is the called one, or each diversion names
 * the one before it.
 * @param diversions claims of the verified PASSporTs of the type `div`
 */
export function leadsTo({ dest }: Claims, diversions: readonly Claims[], { number, dialled }: SignedCall): boolean {
  if (dialled === undefined) return false;
  const reached = [...dest];
  // Each of them can be the next step once.
  for (let step = 0; step <= diversions.length; step += 1) {
    if (reached.some((one) => isSameIdentity(one, dialled))) return true;
    for (const { div, orig, dest: next } of diversions) {
      const follows = div !== undefined && isSameIdentity(orig, { tn: number }) && reached.some((one) => isSameIdentity(one, div));
      if (follows) reached.push(...next);
    }
  }
  return false;
}

/** RFC 8224 §6.2.2. */
function stale(why: string): Fault {
  return new Fault(why, 403, undefined, "Stale Date");
}
