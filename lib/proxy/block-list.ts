import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import type { Request } from "../syntax/message.ts";
import { isTrunkIdentity } from "../routing/trunk.ts";
import { canonicalNumber } from "../syntax/telephone-number.ts";
import { canonicalUser, parseUri } from "../syntax/uri.ts";
import { refusalOfUnverified } from "../stir/verification.ts";
import type { Verification } from "../transport/verification.ts";
import { wantsPrivacy } from "../syntax/privacy.ts";

/**
 * Refuses a request of a sender that the user has blocked: 603, or 433 for an anonymous sender (RFC 5079). A call from a trunk is
 * identified by its From only.
 * @param blocked `user@domain`, `*@domain`, or `anonymous`
 * @param identity `user@domain` that the sending flow is authenticated for, or of a trunk
 */
export function refuseBlocked(
  blocked: readonly string[],
  identity: string,
  request: Request,
  mandatory: MandatoryHeaders,
): Fault | undefined {
  if (blocked.length === 0) return undefined;
  const isByTrunk = isTrunkIdentity(identity);
  const sender = isByTrunk ? (fromOf(mandatory) ?? identity) : identity;
  const everybody = `*${sender.slice(sender.lastIndexOf("@"))}`;
  const isNamed = isByTrunk ? blocked.map(withNumber).includes(withNumber(sender)) : blocked.includes(sender);
  if (isNamed || blocked.includes(everybody)) return fault(603, "the user does not accept requests from this sender");
  if (blocked.includes("anonymous") && isAnonymous(request, mandatory)) return fault(433, "the user does not accept anonymous requests");
  return undefined;
}

/**
 * Refuses a call whose caller's number was to be verified, and is not (RFC 8224 §6.2.2), if the user wants that. Calls of trunks that do not
 * verify are not concerned, nor those of users.
 */
export function refuseUnverified(blocked: readonly string[], verification: Verification | undefined): Fault | undefined {
  return verification === undefined || !blocked.includes("unverified") ? undefined : refusalOfUnverified(verification);
}

/** An address with its number in one form, however a trunk has written it. */
function withNumber(address: string): string {
  const at = address.lastIndexOf("@");
  const user = address.slice(0, Math.max(0, at));
  return `${canonicalNumber(user) ?? user}${address.slice(Math.max(0, at))}`;
}

function fromOf({ from }: MandatoryHeaders): string | undefined {
  const uri = parseUri(from.uri);
  return isFault(uri) || uri.kind !== "sip" || uri.user === undefined ? undefined : `${canonicalUser(uri.user)}@${uri.host.toLowerCase()}`;
}

/** RFC 3323 §4.1: an anonymous From, or a Privacy header that asks other servers to make it anonymous. */
function isAnonymous(request: Request, { from }: MandatoryHeaders): boolean {
  const uri = parseUri(from.uri);
  if (!isFault(uri) && uri.kind === "sip" && uri.host.toLowerCase() === "anonymous.invalid") return true;
  return wantsPrivacy(request, ["id", "user", "header"]);
}
