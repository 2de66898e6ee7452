import { isFault } from "../syntax/fault.ts";
import { parseDeltaSeconds } from "../syntax/integers.ts";
import { type Response, headerValue, headerValues } from "../syntax/message.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { parameter } from "../syntax/parameters.ts";
import { canonicalUser, parseUri } from "../syntax/uri.ts";

/**
 * Seconds that a registrar's 200 grants to our contact (RFC 3261 §10.2.4): by its own `expires`, else the Expires header. Session border
 * controllers replace the address: then the only Contact counts. 0 if ours is missing.
 * @param contact the URI that we registered
 * @param asked the default if the answer has no time
 */
export function grantedExpires(answer: Response, contact: string, asked: number): number {
  const bindings = headerValues(answer, "contact").flatMap((written) => {
    const address = parseNameAddress(written);
    return isFault(address) ? [] : [address];
  });
  const own = bindings.find(({ uri }) => isSamePlace(uri, contact)) ?? (bindings.length === 1 ? bindings[0] : undefined);
  if (own === undefined && bindings.length > 0) return 0;
  const told = own === undefined ? undefined : parameter(own.parameters, "expires");
  return parseDeltaSeconds(told) ?? parseDeltaSeconds(headerValue(answer, "expires")) ?? asked;
}

/** Ignores parameters, because registrars add some. */
function isSamePlace(one: string, other: string): boolean {
  const [first, second] = [parseUri(one), parseUri(other)];
  if (isFault(first) || isFault(second) || first.kind !== "sip" || second.kind !== "sip") return false;
  const isSameUser = canonicalUser(first.user ?? "") === canonicalUser(second.user ?? "");
  return isSameUser && first.host.toLowerCase() === second.host.toLowerCase() && first.port === second.port;
}

/** RFC 7616 §3.3: the credentials were right, but the nonce was too old. */
export function isStale(challenge: Response): boolean {
  const challenges = [...headerValues(challenge, "www-authenticate"), ...headerValues(challenge, "proxy-authenticate")];
  return challenges.some((value) => /[,\s]stale\s*=\s*"?true/i.test(value));
}
