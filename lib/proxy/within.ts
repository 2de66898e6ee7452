import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Fault, fault } from "../syntax/fault.ts";
import { type Request, headerValues } from "../syntax/message.ts";
import { refuseBlocked } from "./block-list.ts";

/** RFC 6665 §4.1.3: a NOTIFY that belongs to no subscription. */
export const noSubscription: Fault = fault(481, "there is no such subscription");

/**
 * Event packages without subscriptions: a NOTIFY makes the phone restart, load a configuration, execute an action, answer a call (talk) or
 * hold it.
 */
const commands = ["check-sync", "resync", "restart", "reboot", "action-uri", "aastra-xml", "talk", "hold"];

/**
 * Refuses a request to a phone although it is in a dialog of that phone: its sender has been blocked since then, and may only end the
 * dialog; or it is a command that a stranger would send in a call.
 */
export function refuseWithin(
  blocked: readonly string[],
  identity: string,
  request: Request,
  mandatory: MandatoryHeaders,
): Fault | undefined {
  const { method } = request;
  if (method === "ACK" || method === "BYE") return undefined;
  // The user has subscribed to the notifications, also of senders that they have blocked.
  if (method !== "NOTIFY") return refuseBlocked(blocked, identity, request, mandatory);
  const events = eventsOf(request);
  return events.some((event) => commands.includes(event)) ? fault(489, "no phone has subscribed to this event") : undefined;
}

/** The event packages that a request names. There may be only one Event header (RFC 6665 §8.2.1); of several, a phone may read any. */
export function eventsOf(request: Request): readonly string[] {
  return headerValues(request, "event")
    .flatMap((value) => value.split(","))
    .map((value) => value.split(";", 1)[0]?.trim().toLowerCase() ?? "");
}
