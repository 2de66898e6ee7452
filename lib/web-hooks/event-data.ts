import type { Binding } from "../location/binding.ts";
import { type Request, headerValue } from "../syntax/message.ts";
import { legible } from "../syntax/octets.ts";
import { nameOfUser } from "../syntax/uri.ts";

/** Why a phone is no longer registered: its time was over, it or an administrator has ended it, or its connection was lost for good. */
export type WhyUnregistered = "expired" | "removed" | "closed";

/** Characters of a contact, and of other texts. */
const [maxContact, maxText] = [1024, 256] as const;

interface Owner {
  readonly user: string;
  readonly domain: string;
}

/** The data of the events `registered` and `unregistered`. @param userAgent what the phone says of itself, if it said it now */
export function registeredPhone(owner: Owner, { contact, instance }: Binding, userAgent: string | undefined) {
  return {
    user: nameOf(owner),
    contact: legible(contact, maxContact),
    instance: instance === undefined ? null : legible(instance, maxText),
    user_agent: userAgent === undefined ? null : legible(userAgent, maxText),
  };
}

/** The data of the event `message.stored`, without the text of the message. */
export function messageStored(owner: Owner, message: Request) {
  return { user: nameOf(owner), from: legible(headerValue(message, "from") ?? "", maxText) };
}

/** An address of record without escapes. */
function nameOf({ user, domain }: Owner): string {
  return `${nameOfUser(user) ?? user}@${domain}`;
}
