/** How long bindings live; all times in seconds. */
export interface RegistrarSettings {
  /** Below it a registration is refused with 423 (RFC 3261 §10.3 step 7). */
  readonly minimumExpires: number;
  /** Where the request names none. */
  readonly defaultExpires: number;
  readonly maximumExpires: number;
  /** The share of the granted time, 0 to 1, that is taken off at random, so that phones which came back together do not stay together. */
  readonly spread: number;
  readonly maximumContacts: number;
  /** A row's lease is this many times the granted expiry: so many refreshes need no write. */
  readonly leaseFactor: number;
  /** How often a phone on an outbound flow is asked to send a keep-alive (RFC 5626 §4.4.1); 0: it is not told. */
  readonly flowTimer: number;
}
