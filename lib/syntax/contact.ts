import { type Fault, fault, isFault } from "./fault.ts";
import { parseDeltaSeconds } from "./integers.ts";
import { type Message, type Response, headerValues } from "./message.ts";
import { type NameAddress, parseNameAddress } from "./name-address.ts";
import { parameter } from "./parameters.ts";
import { memoised } from "./memoise.ts";
import { parseUri } from "./uri.ts";

export interface Contact extends NameAddress {
  /** Thousandths, 0 to 1000. */
  readonly q: number | undefined;
  /** Seconds; a malformed value counts as 3600 (RFC 3261 §20.10). */
  readonly expires: number | undefined;
}

/** The Contacts of a message, or the `*` that stands alone (RFC 3261 §10.2.2). */
export function readContacts(message: Message): "*" | Contact[] | Fault {
  const values = headerValues(message, "contact");
  if (values.includes("*")) return values.length === 1 ? "*" : fault(400, "Contact: * must stand alone");
  const contacts: Contact[] = [];
  for (const value of values) {
    const contact = memoisedContact(value);
    if (isFault(contact)) return contact;
    contacts.push(contact);
  }
  return contacts;
}

/** The Contact URIs of a 3xx, best first; none of another response, or if they cannot be read. */
export function redirectContacts(response: Response): string[] {
  if (response.status < 300 || response.status > 399) return [];
  const contacts = readContacts(response);
  if (isFault(contacts) || contacts === "*") return [];
  return [...contacts].sort((one, other) => (other.q ?? 1000) - (one.q ?? 1000)).map(({ uri }) => uri);
}

/** Memoised because a phone sends the same Contact in each refresh. */
const memoisedContact = memoised(parseContact);

function parseContact(value: string): Contact | Fault {
  const address = parseNameAddress(value);
  if (isFault(address)) return address;
  const uri = parseUri(address.uri);
  if (isFault(uri)) return uri;
  const q = parseQ(parameter(address.parameters, "q"));
  if (isFault(q)) return q;
  const expires = parameter(address.parameters, "expires");
  return { ...address, q, expires: expires === undefined ? undefined : (parseDeltaSeconds(expires) ?? 3600) };
}

/** RFC 3261 §25.1 qvalue. */
function parseQ(text: string | undefined): number | undefined | Fault {
  if (text === undefined) return undefined;
  if (!/^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text)) return fault(400, "q is not a number from 0 to 1 with three decimals at most");
  return Math.round(Number(text) * 1000);
}
