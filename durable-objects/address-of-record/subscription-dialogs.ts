import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type SubscribeParameters, type Subscription, isOld, subscriptionId } from "../../lib/presence/subscription.ts";
import { type Fault, fault } from "../../lib/syntax/fault.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";

/** Milliseconds: how long the last notification of a subscription is tried, and the time until the next attempt. */
export const finalNotify = { maxWait: 60_000, repeatAfter: 2000 } as const;

export type DialogTags = Pick<Subscription, "callId" | "remoteTag" | "localTag">;

/** The dialog that a SUBSCRIBE of the watcher is in. */
export function dialogTags({ callId, fromTag = "", toTag = "" }: MandatoryHeaders): DialogTags {
  return { callId, remoteTag: fromTag, localTag: toTag };
}

/** The name of a subscription: that of a known one, which may be from before a key change, or the one it would have now. */
export function subscriptionNamed(
  keyring: Keyring,
  tags: DialogTags,
  { event, eventId }: SubscribeParameters,
  isKnown: (id: string) => boolean,
): string {
  const names = keyring.macs("context", subscriptionId(tags, event, eventId)).map((mac) => mac.slice(0, 16));
  return names.find(isKnown) ?? (names[0] as string);
}

/** The subscription that a SUBSCRIBE within a dialog changes (RFC 6665 §4.2.1, RFC 3261 §12.2.2), or why there is none. */
export function currentSubscription<S extends Subscription>(known: S | undefined, mandatory: MandatoryHeaders, now: number): S | Fault {
  if (known === undefined || known.expires <= now) return fault(481, "there is no such subscription");
  return isOld(known, mandatory) ? fault(500, "a later request of this dialog was already received") : known;
}
