import type { Address } from "../location/address.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { canonicalUser, parseUri } from "../syntax/uri.ts";
import type { NonSubscriber } from "../transport/non-subscriber.ts";

/** What a guest may ask for: calls and messages. */
export const guestMethods: readonly string[] = ["INVITE", "ACK", "CANCEL", "MESSAGE", "OPTIONS"];

/** What nobody needs in a call of a guest's: it would have the phone that he has called call others, or tell him more. */
const notOfGuests = ["REFER", "SUBSCRIBE", "PUBLISH", "REGISTER"];

/** Why a visitor may not send this within a dialog, whoever he says he is. */
export function refuseNonSubscriberInDialog(nonSubscriber: NonSubscriber, method: string): Fault | undefined {
  return nonSubscriber.kind === "guest" && notOfGuests.includes(method)
    ? fault(403, "guests may call and write, and nothing else")
    : undefined;
}

/** Who sends a request outside a dialog, as From has it: `user@domain`, or nobody in particular. */
export interface Sender {
  readonly user: string;
  readonly domain: string;
}

/** The identity of those who do not say who they are (RFC 3323 §4.1.1.3). */
export const anonymous = "anonymous@anonymous.invalid";

/** The sender as From names him; undefined if he is anonymous. */
export function senderOf({ from }: MandatoryHeaders): Sender | undefined | Fault {
  const uri = parseUri(from.uri);
  if (isFault(uri)) return uri;
  if (uri.kind !== "sip" || uri.user === undefined) return fault(403, "From names nobody");
  // A trailing dot only says that the name is whole (RFC 3261 §19.1.1 has the host of RFC 1034).
  const domain = uri.host.toLowerCase().replace(/\.$/, "");
  return domain === "anonymous.invalid" ? undefined : { user: canonicalUser(uri.user), domain };
}

/**
 * Whether a visitor may send this, outside a dialog: to users of the domain that he visits and to nobody else, so that we relay for
 * nobody; a peer in the name of its own domains, a guest in that of nobody here.
 * @param isOurs whether the sender's domain is one of ours
 */
export function refuseNonSubscriber(
  nonSubscriber: NonSubscriber,
  method: string,
  sender: Sender | undefined,
  to: Address,
  isOurs: boolean,
): Fault | undefined {
  if (to.domain !== nonSubscriber.domain) return fault(403, "requests are not relayed to other domains");
  if (method === "REGISTER" || method === "PUBLISH") return fault(403, "only subscribers may do that");
  if (nonSubscriber.kind === "guest" && !guestMethods.includes(method)) return fault(403, "guests may call and write, and nothing else");
  return refuseSender(nonSubscriber, sender, isOurs);
}

/** Whether a visitor may not say that he is this one. @param isOurs whether the sender's domain is one of ours */
export function refuseSender(nonSubscriber: NonSubscriber, sender: Sender | undefined, isOurs: boolean): Fault | undefined {
  if (nonSubscriber.kind === "peer")
    return sender === undefined || !nonSubscriber.domains.includes(sender.domain)
      ? fault(403, "From is of none of this server's domains")
      : undefined;
  return isOurs ? fault(403, "From is of a domain of this server, whose users have to authenticate") : undefined;
}
