/** The lifetimes of bindings; all times in seconds. */
export interface RegistrarSettings {
  /** A shorter one is refused with 423 (RFC 3261 §10.3 step 7). */
  readonly minimumExpires: number;
  /** Used if the request names none. */
  readonly defaultExpires: number;
  readonly maximumExpires: number;
  /** The maximum for a phone that push notifications wake: it is registered without a connection, too. */
  readonly pushExpires: number;
  /** The share of the granted time, 0 to 1, that is taken off at random: phones that reconnected together do not refresh together. */
  readonly spread: number;
  readonly maximumContacts: number;
  /** A row's lease is this many times the granted expiry: this many refreshes need no write. */
  readonly leaseFactor: number;
  /** How often a phone on an outbound flow must send a keep-alive (RFC 5626 §4.4.1); 0: not announced. */
  readonly flowTimer: number;
}
