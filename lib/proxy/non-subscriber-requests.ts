import type { Address } from "../location/address.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import type { Request } from "../syntax/message.ts";
import { canonicalUser, parseUri } from "../syntax/uri.ts";
import type { NonSubscriber } from "../transport/non-subscriber.ts";
import { eventsOf } from "./within.ts";

/** What a guest may send: calls and messages. */
export const guestMethods: readonly string[] = ["INVITE", "ACK", "CANCEL", "MESSAGE", "OPTIONS"];

/** Not allowed in a call of a guest: it would make the called phone call others, or reveal more about the user. */
const notOfGuests = ["REFER", "SUBSCRIBE", "PUBLISH", "REGISTER"];

/** Refuses what a guest may not send within a dialog. Of NOTIFYs only those of a transfer, which the called phone has asked for. */
export function refuseNonSubscriberInDialog(nonSubscriber: NonSubscriber, request: Request): Fault | undefined {
  const { method } = request;
  const [event, ...more] = method === "NOTIFY" ? eventsOf(request) : ["refer"];
  const isForeign = event !== "refer" || more.length > 0;
  return nonSubscriber.kind === "guest" && (isForeign || notOfGuests.includes(method))
    ? fault(403, "guests may only make calls and send messages")
    : undefined;
}

/** The sender of a request outside a dialog, from its From: `user@domain`, or anonymous. */
export interface Sender {
  readonly user: string;
  readonly domain: string;
}

/** The identity of an anonymous sender (RFC 3323 §4.1.1.3). */
export const anonymous = "anonymous@anonymous.invalid";

/** The sender by its From; undefined if it is anonymous. */
export function senderOf({ from }: MandatoryHeaders): Sender | undefined | Fault {
  const uri = parseUri(from.uri);
  if (isFault(uri)) return uri;
  if (uri.kind !== "sip" || uri.user === undefined) return fault(403, "From does not name a user");
  // A trailing dot only marks a complete name (RFC 3261 §19.1.1 has the host of RFC 1034).
  const domain = uri.host.toLowerCase().replace(/\.$/, "");
  return domain === "anonymous.invalid" ? undefined : { user: canonicalUser(uri.user), domain };
}

/**
 * Refuses what a guest or a peer may not send outside a dialog. Both may send to users of the domain that they connect to, and are not
 * relayed elsewhere. A peer sends in the name of its own domains; a guest must not use a name of ours.
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
  if (nonSubscriber.kind === "guest" && !guestMethods.includes(method)) return fault(403, "guests may only make calls and send messages");
  return refuseSender(nonSubscriber, sender, isOurs);
}

/** Refuses a sender that the guest or peer may not claim to be. @param isOurs whether the sender's domain is one of ours */
export function refuseSender(nonSubscriber: NonSubscriber, sender: Sender | undefined, isOurs: boolean): Fault | undefined {
  if (nonSubscriber.kind === "peer")
    // A domain of a peer may have become ours: then its users are here.
    return sender === undefined || isOurs || !nonSubscriber.domains.includes(sender.domain)
      ? fault(403, "the domain of From is not one of this server's domains")
      : undefined;
  return isOurs ? fault(403, "From is in a domain of this server: its users have to authenticate") : undefined;
}
