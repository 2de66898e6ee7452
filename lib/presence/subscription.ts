import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { parseDeltaSeconds } from "../syntax/integers.ts";
import { type Request, headerValue, headerValues } from "../syntax/message.ts";
import { readContacts } from "../syntax/contact.ts";
import type { DialogEnd } from "../transport/envelope.ts";
import { type NamedDialog, dialogNamedIn } from "./dialog-info.ts";
import { acceptance } from "./accept.ts";
import { type EventPackage, ownEvent, partialType, traits, unsupported } from "./event-package.ts";
import type { Permission } from "../location/watcher-rules.ts";
import { type Rates, readRates } from "./event-rate-control.ts";

/** A subscription as stored in its row: one usage of a dialog, with this home at one end (RFC 6665 §4.2). */
export interface Subscription {
  /** From the dialog and the Event's id (RFC 6665 §4.5.2, §8.2.1). */
  readonly id: string;
  readonly event: EventPackage;
  readonly eventId: string | undefined;
  /** The address of record that the watcher has authenticated for. */
  readonly watcher: string;
  readonly permission: Permission;
  readonly callId: string;
  /** The tags of the watcher and of this home. */
  readonly remoteTag: string;
  readonly localTag: string;
  /** From and To as the watcher wrote them. */
  readonly remote: string;
  readonly local: string;
  /** The watcher's Contact: the Request-URI of notifications. */
  readonly target: string;
  /** The last CSeq number of the watcher. */
  readonly cseq: number;
  /** The watcher's end of the dialog. */
  readonly end: DialogEnd;
  /** The Record-Route of the dialog, which notifications repeat; and the routes after it, of other proxies. */
  readonly route: string;
  readonly routes: readonly string[];
  /** Milliseconds: when it was created, last refreshed, and when it ends. */
  readonly created: number;
  readonly touched: number;
  readonly expires: number;
  /** The notification rates that the watcher asks for, if any. */
  readonly rates?: Rates;
  /** Whether the watcher accepts partial documents (RFC 5263). */
  readonly isPartial?: boolean;
  /** The one dialog that is watched (RFC 4235 §3.2); undefined for all. */
  readonly dialog?: NamedDialog;
  /** Why it has ended (RFC 6665 §4.1.3), if only its last notification still has to be sent. */
  readonly ended?: string;
}

/** The content of a SUBSCRIBE. */
export interface SubscribeParameters {
  readonly event: EventPackage;
  readonly eventId: string | undefined;
  /** Seconds; 0 asks for the state once, or ends a subscription. */
  readonly expires: number;
  readonly target: string;
  readonly rates: Rates;
  readonly isPartial: boolean;
  readonly dialog?: NamedDialog;
  /** The entity-tag of a state that need not be sent again, or `*` for any (RFC 5839 §7.2). */
  readonly known: string | undefined;
}

/** Seconds. */
export interface SubscriptionSettings {
  readonly minimumExpires: number;
  readonly maximumExpires: number;
}

/** Maximum characters of what a subscription stores of its watcher. */
const maxText = 2000;

/** Reads a SUBSCRIBE for one of our packages (RFC 6665 §4.2.1.1, RFC 6446, RFC 5839). */
export function readSubscribeParameters(request: Request, settings: SubscriptionSettings): SubscribeParameters | Fault {
  const event = ownEvent(request);
  if (event === undefined) return unsupported;
  const { type, defaultExpires } = traits[event.package];
  const isPartial = prefersChanges(request, event.package);
  if (!isPartial && !accepts(request, type)) return fault(406, `notifications of this package have the type ${type}`);
  const expires = Math.min(parseDeltaSeconds(headerValue(request, "expires")) ?? defaultExpires, settings.maximumExpires);
  if (expires > 0 && expires < settings.minimumExpires)
    return fault(423, "the expiry is too short", [["Min-Expires", String(settings.minimumExpires)]]);
  const contacts = readContacts(request);
  if (isFault(contacts)) return contacts;
  const [contact] = contacts === "*" ? [] : contacts;
  if (contact === undefined) return fault(400, "SUBSCRIBE needs a Contact");
  const ends = [headerValue(request, "from"), headerValue(request, "to"), headerValue(request, "call-id")].map((value = "") => value);
  const lengths = [contact.uri, headerValues(request, "record-route").join(), ...ends].map((text) => text.length);
  if (Math.max(...lengths) > maxText) return fault(400, `Contact, From, To, Call-ID or Record-Route is longer than ${maxText} characters`);
  const dialog = event.package === "dialog" ? dialogNamedIn(event.parameters) : undefined;
  const known = headerValue(request, "suppress-if-match");
  return {
    event: event.package,
    eventId: event.id,
    ...(dialog === undefined ? {} : { dialog }),
    expires,
    target: contact.uri,
    rates: readRates(event.parameters),
    isPartial,
    known,
  };
}

/** The name of this home at its end of a subscription's dialog; no phone has this name. */
export const agent = "presence";

/** RFC 6665 §4.5.2: tags and Call-ID identify the dialog; the Event's id the subscription within. */
export function subscriptionId(
  { callId, remoteTag, localTag }: Pick<Subscription, "callId" | "remoteTag" | "localTag">,
  event: string,
  id = "",
): string {
  return [callId, remoteTag, localTag, event, id].join("\n");
}

/** Whether a SUBSCRIBE within the dialog is older than the last one (RFC 3261 §12.2.2). */
export function isOld({ cseq }: Subscription, mandatory: MandatoryHeaders): boolean {
  return mandatory.cseq.number <= cseq;
}

function accepts(request: Request, type: string): boolean {
  const accepted = headerValues(request, "accept").map((value) => value.split(";")[0]?.trim().toLowerCase() ?? "");
  return acceptance(request, type) > 0 || accepted.some(isList);
}

/** RFC 5263 §4: the watcher accepts partial documents, and prefers them at least as much as whole ones. */
function prefersChanges(request: Request, event: EventPackage): boolean {
  const isNamed = headerValues(request, "accept").some((value) => value.split(";")[0]?.trim().toLowerCase() === partialType);
  const q = acceptance(request, partialType);
  return event === "presence" && isNamed && q > 0 && q >= acceptance(request, traits.presence.type);
}

/** The parts of a list have the types of the package (RFC 4662 §4.4). */
function isList(type: string): boolean {
  return type === "multipart/related" || type === "application/rlmi+xml";
}
