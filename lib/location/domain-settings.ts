import { canonicalUser } from "../syntax/uri.ts";
import type { Router } from "./router.ts";

/** The settings of a domain by the administrator. */
export interface DomainSettings {
  /** Calls to its users are answered with their addresses (3xx), on every way in. */
  readonly redirects: boolean;
  /** Clients of the redirect server need not authenticate to ask for its users. */
  readonly answersStrangers: boolean;
  /** Its users may call other domains, whose servers are found in the DNS. */
  readonly callsOut: boolean;
  /** Guests may call all users of the domain and write to them; a list names the users whom they may call. */
  readonly guests?: boolean | readonly string[];
  /** Its phones get NOTIFY outside any subscription from trusted trunks: to restart, or to load their configuration again. */
  readonly takesUnsolicited?: boolean;
  /** The trunk to the presence agent of its users, if that is another server: it gets their SUBSCRIBE and PUBLISH (RFC 3856 §5). */
  readonly presenceAgent?: string;
  /** The authority, in PEM, whose client certificates its users may sign in with. */
  readonly clientAuthority?: string;
  /** Days that the records of its calls are kept; 0: none are written. */
  readonly callRecordDays?: number;
  /** Seconds after which a call is ended if its phone, a user's of the domain, has lost its connection and is not back. */
  readonly endLostCalls?: number;
  /** Messages of its calls are kept. It is not among the settings of the API, which do not change it. */
  readonly trace?: DomainTrace;
  /** Who decides where its calls go. It has a path of its own in the API, too. */
  readonly router?: Router;
}

/** Which calls an administrator wants the messages of. */
export interface DomainTrace {
  /** Milliseconds: calls that begin before that. */
  readonly until: number;
  /** Only calls from and to this number. */
  readonly number?: string;
  /** Only one call in so many. */
  readonly oneIn?: number;
}

export const defaultDomainSettings: DomainSettings = { redirects: false, answersStrangers: false, callsOut: false };

/**
 * Whether guests may call a user and write to them.
 * @param username of the subscriber, also if one of their aliases was called; undefined if there is no such user
 */
export function admitsGuests({ guests = false }: DomainSettings, username: string | undefined): boolean {
  return typeof guests === "boolean" ? guests : guests.some((name) => canonicalUser(name) === username);
}
