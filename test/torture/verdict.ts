import { readContacts } from "../../lib/syntax/contact.ts";
import { readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { type Message, parseMessage } from "../../lib/syntax/message.ts";
import { parseUri } from "../../lib/syntax/uri.ts";

/** What a server makes of a message on the wire: "accepted", or the status it refuses it with. */
export function verdictOf(text: string): "accepted" | number {
  const message = parseMessage(text);
  if (isFault(message)) return message.status;
  const mandatory = readMandatoryHeaders(message);
  if (isFault(mandatory)) return mandatory.status;
  if (message.kind === "request") {
    const uri = parseUri(message.requestUri);
    if (isFault(uri)) return uri.status;
    if (uri.kind === "other") return 416;
  }
  const contacts = readContacts(message);
  return isFault(contacts) ? contacts.status : "accepted";
}

/** A message that is accepted. */
export function accepted(text: string | undefined): Message {
  const message = parseMessage(text ?? "");
  if (isFault(message)) throw new Error(message.fault);
  return message;
}
