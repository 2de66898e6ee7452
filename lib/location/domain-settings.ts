import { canonicalUser } from "../syntax/uri.ts";

/** What an administrator has set for all of a domain. */
export interface DomainSettings {
  /** Calls to its users are answered with where they are (3xx), on every way in. */
  readonly redirects: boolean;
  /** Who asks the redirect server for its users need not authenticate. */
  readonly answersStrangers: boolean;
  /** Its users may call other domains: their servers are found by the DNS. */
  readonly callsOut: boolean;
  /** Guests, who are no subscribers, may call all users of the domain and write to them; a list names those whom they may call. */
  readonly guests?: boolean | readonly string[];
  /** Its phones get NOTIFY outside any subscription from trusted trunks: to restart them, or load their configuration anew. */
  readonly takesUnsolicited?: boolean;
  /** The trunk to the presence agent of its users, if that is another server: it takes their SUBSCRIBE and PUBLISH (RFC 3856 §5). */
  readonly presenceAgent?: string;
}

export const defaultDomainSettings: DomainSettings = { redirects: false, answersStrangers: false, callsOut: false };

/**
 * Whether guests may call a user and write to them.
 * @param username of the subscriber, whichever of their aliases was called; undefined if there is no such user
 */
export function admitsGuests({ guests = false }: DomainSettings, username: string | undefined): boolean {
  return typeof guests === "boolean" ? guests : guests.some((name) => canonicalUser(name) === username);
}
