import { readContacts } from "../syntax/contact.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, headerValue } from "../syntax/message.ts";
import { decodedText } from "../syntax/octets.ts";
import { parseFromTo } from "../syntax/from-to.ts";
import type { CallDetails } from "../transport/flow.ts";

type ReadCallDetails = CallDetails & { readonly local: string };

/** Characters of each: they are stored in a socket's attachment. */
const maxText = 160;

/**
 * What the user's own phones may see of a call of theirs, to take it over or to join it (RFC 4235 §4.1, RFC 3891, RFC 3911).
 * @param message a response, or the INVITE until a response creates a dialog
 * @param contactIn the message of the other side, with its Contact
 * @param max characters that each may have
 * @returns undefined if it is too long to be stored
 */
export function readCallDetails(message: Message, contactIn: Message, isCaller: boolean, max = maxText): ReadCallDetails | undefined {
  const [from, to] = [parseFromTo(headerValue(message, "from") ?? ""), parseFromTo(headerValue(message, "to") ?? "")];
  const contacts = readContacts(contactIn);
  if (isFault(from) || isFault(to)) return undefined;
  const [local, remote] = isCaller ? [from, to] : [to, from];
  const target = isFault(contacts) || contacts === "*" ? "" : (contacts[0]?.uri ?? "");
  const callId = headerValue(message, "call-id") ?? "";
  const details = {
    callId: decodedText(callId),
    localTag: decodedText(local.tag ?? ""),
    remoteTag: decodedText(remote.tag ?? ""),
    local: decodedText(local.address.uri),
    remote: decodedText(remote.address.uri),
    target: decodedText(target),
  };
  return Object.values(details).some((text) => text.length > max) ? undefined : { ...details, isCaller };
}
