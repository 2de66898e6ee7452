import type { Subscriber } from "../location/subscriber.ts";
import type { HomeName, PhoneId } from "./identifiers.ts";

/** The other end of a socket that is not a subscriber: the server of another domain (peer), or a guest of one of our domains. */
export interface NonSubscriber {
  readonly kind: "peer" | "guest";
  /** The domain of ours that it connects to. */
  readonly domain: string;
  readonly name: string;
  /** The domains of a peer, in lower case. */
  readonly domains: readonly string[];
  /** The server trusts the identity that it asserts (RFC 3325 §4). */
  readonly isTrusted: boolean;
  /** Of a guest with a token. */
  readonly invitation?: Invitation;
}

/** Whom a guest with a token may call and write to, also where the domain takes no guests. */
export interface Invitation {
  /** Canonical user parts. */
  readonly users: readonly string[];
  /** Those of the users; absent for a token of an older build. */
  readonly generations?: readonly number[];
  /** Milliseconds. */
  readonly until: number;
  /** What the phones are told that the guest calls: User-to-User (RFC 7433). */
  readonly userToUser?: string;
}

/** Whether an invitation is for this user, and for no earlier one of the same name. */
export function invites({ users, generations }: Omit<Invitation, "until">, user: Pick<Subscriber, "username" | "generation">): boolean {
  const at = users.indexOf(user.username);
  return at >= 0 && (generations?.[at] ?? user.generation) === user.generation;
}

/** Stands for the phone on sockets of guests and peers. */
export const nonSubscriberPhone: PhoneId = "visitor-";

/** The home of a guest or peer has a generation that no subscriber's home has. */
export function nonSubscriberHome({ kind, name, domain }: Pick<NonSubscriber, "kind" | "name" | "domain">): HomeName {
  return `sip:${kind}-${name}@${domain}#0`;
}

/** Characters at the beginning of a guest's name that all guests of one client address have in common. */
export const guestMark = 8;
/** Of those, what the guests of one network have in common. */
export const guestNetworkMark = 4;

/** The common part of the guests of one client address; undefined for other homes. */
export function addressOfGuest(home: HomeName): string | undefined {
  return isGuestHome(home) ? home.slice("sip:guest-".length, "sip:guest-".length + guestMark) : undefined;
}

/** The common part of the guests of one network. */
export function networkOfGuest(home: HomeName): string | undefined {
  return addressOfGuest(home)?.slice(0, guestNetworkMark);
}

/** Whether it is the home of a guest. */
export function isGuestHome(home: HomeName): boolean {
  return isNonSubscriberHome(home) && home.startsWith("sip:guest-");
}

export function isNonSubscriberHome(home: HomeName): boolean {
  return home.endsWith("#0");
}
