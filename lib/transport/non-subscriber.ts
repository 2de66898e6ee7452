/** Somebody on a socket who is none of our subscribers: the server of another domain, or a guest of one of ours. */
export interface NonSubscriber {
  readonly kind: "peer" | "guest";
  /** Of ours: the one that he visits. */
  readonly domain: string;
  readonly name: string;
  /** The domains that a peer speaks for, in lower case. */
  readonly domains: readonly string[];
  /** Its word on who calls counts (RFC 3325 §4). */
  readonly isTrusted: boolean;
}

/** How the other end of a visitor's sockets is called, where a phone would have its name. */
export const nonSubscriberPhone = "visitor-";

/** A visitor's home has a generation that no subscriber's has. */
export function nonSubscriberHome({ kind, name, domain }: Pick<NonSubscriber, "kind" | "name" | "domain">): string {
  return `sip:${kind}-${name}@${domain}#0`;
}

/** Characters at the beginning of a guest's name that those of one address have in common. */
export const guestMark = 8;

/** What the guests of one address have in common; undefined for other homes. */
export function addressOfGuest(home: string): string | undefined {
  return isGuestHome(home) ? home.slice("sip:guest-".length, "sip:guest-".length + guestMark) : undefined;
}

/** That of somebody who has not authenticated. */
export function isGuestHome(home: string): boolean {
  return isNonSubscriberHome(home) && home.startsWith("sip:guest-");
}

export function isNonSubscriberHome(home: string): boolean {
  return home.endsWith("#0");
}
