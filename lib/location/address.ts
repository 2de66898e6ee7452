import type { Keyring } from "../authentication/keyring.ts";
import { canonicalUser, type SipUri, unescape } from "../syntax/uri.ts";
import { parameter } from "../syntax/parameters.ts";
import { canonicalNumber } from "../syntax/telephone-number.ts";
import { openTemporaryGruu } from "./gruu.ts";

/** What a SIP URI names: an address of record, or one phone of it by its GRUU (RFC 5627 §3). */
export interface Address {
  /** Canonical user part, case kept (RFC 3261 §19.1.4). */
  readonly user: string;
  /** Lower case, without the port. */
  readonly domain: string;
  /** The instance of a public GRUU (if the user exists: any text can be written there), or the phone of a temporary one; undefined for the address of record. */
  readonly instance: string | undefined;
  /** For a temporary GRUU: the mark of the registration that it was made in. */
  readonly registration: string | undefined;
}

/** Reads the address in a SIP URI that has a user part; undefined for one without, and for a temporary GRUU that is not ours. */
export function addressOf(keyring: Keyring, uri: SipUri): Address | undefined {
  if (uri.user === undefined) return undefined;
  const domain = uri.host.toLowerCase();
  const gr = parameter(uri.parameters, "gr");
  if (gr === undefined) return { user: canonicalUser(numberIn(uri)), domain, instance: undefined, registration: undefined };
  if (gr !== "") return { user: canonicalUser(uri.user), domain, instance: unescape(gr), registration: undefined };
  const opened = openTemporaryGruu(keyring, uri.user, domain);
  return opened === undefined ? undefined : { user: opened.user, domain, instance: opened.phone, registration: opened.registration };
}

/** A telephone number in its canonical form, if the URI is marked as one; others get it when they are dialled, if no user has that name. */
function numberIn({ user = "", parameters }: SipUri): string {
  if (parameter(parameters, "user")?.toLowerCase() !== "phone") return user;
  return canonicalNumber(canonicalUser(user)) ?? user;
}
