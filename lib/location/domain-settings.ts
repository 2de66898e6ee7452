/** What an administrator has set for all of a domain. */
export interface DomainSettings {
  /** Calls to its users are answered with where they are (3xx), on every way in. */
  readonly redirects: boolean;
  /** Who asks the redirect server for its users need not authenticate. */
  readonly answersStrangers: boolean;
  /** Its users may call other domains: their servers are found by the DNS. */
  readonly callsOut: boolean;
  /** Who is nobody's subscriber may call its users, and write to them. */
  readonly guests?: boolean;
  /** The trunk to the presence agent of its users, if that is another server: it takes their SUBSCRIBE and PUBLISH (RFC 3856 §5). */
  readonly presenceAgent?: string;
}

export const defaultDomainSettings: DomainSettings = { redirects: false, answersStrangers: false, callsOut: false };
