import { type Event, parseEvent } from "../syntax/event.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { type Request, headerValue } from "../syntax/message.ts";

/** The event packages of which a home is the notifier (RFC 6665); requests for others go to the user's phones. */
export const eventPackages = ["presence", "presence.winfo", "dialog", "reg", "message-summary"] as const;
export type EventPackage = (typeof eventPackages)[number];

interface Traits {
  /** Of the NOTIFY's body. */
  readonly type: string;
  /** Seconds of a subscription that asks for no duration. */
  readonly defaultExpires: number;
  /** Only the user may watch it. */
  readonly isPrivate: boolean;
}

/** RFC 3856 §6.4 to §6.6, RFC 3857 §4.4 to §4.6, RFC 4235 §3.4 to §3.6, RFC 3680 §4.4 to §4.6, RFC 3842 §3.4 to §3.7. */
export const traits: Readonly<Record<EventPackage, Traits>> = {
  presence: { type: "application/pidf+xml", defaultExpires: 3600, isPrivate: false },
  "presence.winfo": { type: "application/watcherinfo+xml", defaultExpires: 3600, isPrivate: true },
  dialog: { type: "application/dialog-info+xml", defaultExpires: 3600, isPrivate: false },
  reg: { type: "application/reginfo+xml", defaultExpires: 3761, isPrivate: true },
  "message-summary": { type: "application/simple-message-summary", defaultExpires: 3600, isPrivate: true },
};

/** Partial presence documents (RFC 5262 §4), which a watcher of presence may accept, and a phone may publish. */
export const partialType = "application/pidf-diff+xml";

export function isEventPackage(name: string): name is EventPackage {
  return (eventPackages as readonly string[]).includes(name);
}

/** The Event of a SUBSCRIBE or PUBLISH; undefined if its package is not one of ours. */
export function ownEvent(request: Request): (Event & { readonly package: EventPackage }) | undefined {
  const event = parseEvent(headerValue(request, "event") ?? "");
  return !isFault(event) && isEventPackage(event.package) ? { ...event, package: event.package } : undefined;
}

/** Refuses one of our packages in other letters, which phones may take for it: names of packages are case-sensitive (RFC 6665 §8.2.1). */
export function refuseMiswritten(request: Request): Fault | undefined {
  const event = parseEvent(headerValue(request, "event") ?? "");
  const isAlike = !isFault(event) && !isEventPackage(event.package) && isEventPackage(event.package.toLowerCase());
  return isAlike ? unsupported : undefined;
}

/** The answer to a SUBSCRIBE for a package of which no home is the notifier (RFC 6665 §8.3.2). */
export const unsupported: Fault = fault(489, "this event package is not supported", [["Allow-Events", eventPackages.join(", ")]]);
