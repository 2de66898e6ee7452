import { isHomeOfUser } from "../routing/hop-name.ts";
import type { SentRequest } from "../transport/envelope.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Fault, fault } from "../syntax/fault.ts";
import { type Request, headerValues } from "../syntax/message.ts";
import { refuseBlocked } from "./block-list.ts";

/** RFC 6665 §4.1.3: a NOTIFY that belongs to no subscription. */
export const noSubscription: Fault = fault(481, "there is no such subscription");

/**
 * What a phone may have subscribed to at others, or has asked for by a REFER: transfers (RFC 3515), conferences (RFC 4575), lamps (RFC 4235),
 * presence and its watchers (RFC 3856, RFC 3857), digits (RFC 4730), waiting messages (RFC 3842), registrations (RFC 3680), and the end of a
 * busy call (RFC 6910).
 */
const subscribable: readonly string[] = [
  ...["refer", "conference", "dialog", "kpml", "call-completion"],
  ...["presence", "presence.winfo", "message-summary", "reg"],
];

/**
 * Event packages without subscriptions: a NOTIFY makes the phone restart, load a configuration, execute an action, answer a call (talk) or
 * hold it. No user of the domain sends them.
 */
const commands: readonly string[] = ["check-sync", "resync", "restart", "reboot", "action-uri", "aastra-xml", "talk", "hold"];

const noSuchEvent = fault(489, "no phone has subscribed to this event");

/** Who has sent a request within a dialog. */
interface Sender {
  readonly identity: string;
  /** A user of the same domain. */
  readonly isOfDomain: boolean;
}

/** @param domain that of the phone which gets the request */
export function senderWithin({ identity, answerTo }: Pick<SentRequest, "identity" | "answerTo">, domain: string): Sender {
  return { identity, isOfDomain: isHomeOfUser(answerTo.home, domain) };
}

/**
 * Refuses a request to a phone although it is in a dialog of that phone: its sender has been blocked since then, and may only end the
 * dialog; or it is a command that a stranger would send in a call.
 */
export function refuseWithin(
  blocked: readonly string[],
  { identity, isOfDomain }: Sender,
  request: Request,
  mandatory: MandatoryHeaders,
): Fault | undefined {
  const { method } = request;
  if (method === "ACK" || method === "BYE") return undefined;
  // The user has subscribed to the notifications, also of senders that they have blocked.
  if (method !== "NOTIFY") return refuseBlocked(blocked, identity, request, mandatory);
  const events = eventsOf(request);
  const passes = isOfDomain ? !events.some((event) => commands.includes(event)) : isSubscribable(events);
  return passes ? undefined : noSuchEvent;
}

/** RFC 6665 §8.2.1: there has to be an Event. */
function isSubscribable(events: readonly string[]): boolean {
  return events.length > 0 && events.every((event) => subscribable.includes(event));
}

/** The event packages that a request names. There may be only one Event header (RFC 6665 §8.2.1); of several, a phone may read any. */
export function eventsOf(request: Request): readonly string[] {
  return headerValues(request, "event")
    .flatMap((value) => value.split(","))
    .map((value) => value.split(";", 1)[0]?.trim().toLowerCase() ?? "");
}
