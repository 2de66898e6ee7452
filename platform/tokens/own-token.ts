import type { Keyring } from "../../lib/authentication/keyring.ts";
import type { TokenLimits } from "../../lib/authentication/token-limits.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";

const [prefix, guestPrefix] = ["oft_", "ofg_"] as const;

/** What a token of this server says. Times in milliseconds. */
export interface OwnToken {
  readonly user: string;
  readonly domain: string;
  /** That of the user: a later user of this name is another one. */
  readonly generation: number;
  readonly issued: number;
  readonly until: number;
  /** Absent: it is for all that its user may do. */
  readonly limits?: MintedLimits;
}

/** The limits of a token, and the origins of the pages that may use it, such as `https://shop.example`. */
export interface MintedLimits extends TokenLimits {
  readonly origins?: readonly string[];
}

/** A token by which a user signs in until then: sealed, so that each isolate can verify it without a question. */
export function mintToken(
  keyring: Keyring,
  { username, domain, generation }: Subscriber,
  { issued, until, limits }: Pick<OwnToken, "issued" | "until" | "limits">,
): string {
  const token: OwnToken = { user: username, domain, generation, issued, until, ...(limits === undefined ? {} : { limits }) };
  return prefix + keyring.seal("access-token", JSON.stringify(token), "");
}

/** Undefined if no key of ours has sealed it, or its time is over. */
export function readOwnToken(keyring: Keyring, text: string, now: number): OwnToken | undefined {
  if (!isOwnToken(text)) return undefined;
  const opened = keyring.open("access-token", text.slice(prefix.length), "");
  const token = opened === undefined ? undefined : (JSON.parse(opened) as OwnToken);
  return token === undefined || now >= token.until ? undefined : token;
}

export function isOwnToken(text: string): boolean {
  return text.startsWith(prefix);
}

/** What the token of a guest says. Times in milliseconds. */
export interface GuestToken {
  readonly domain: string;
  /** Those of one token are one guest. */
  readonly id: string;
  /** Whom the guest may call: canonical user parts. */
  readonly users: readonly string[];
  /** Those of the users: a later user of the same name is another one. Absent in tokens of older builds. */
  readonly generations?: readonly number[];
  readonly until: number;
  /** What the application tells the phones that the guest calls. */
  readonly userToUser?: string;
  /** Absent: as many calls as a guest may make. */
  readonly limits?: MintedLimits;
}

/** A token by which a guest may call some users until then. */
export function mintGuestToken(keyring: Keyring, token: GuestToken): string {
  return guestPrefix + keyring.seal("guest-token", JSON.stringify(token), "");
}

/** Undefined if no key of ours has sealed it, or its time is over. */
export function readGuestToken(keyring: Keyring, text: string, now: number): GuestToken | undefined {
  const opened = isGuestToken(text) ? keyring.open("guest-token", text.slice(guestPrefix.length), "") : undefined;
  const token = opened === undefined ? undefined : (JSON.parse(opened) as GuestToken);
  return token === undefined || now >= token.until ? undefined : token;
}

export function isGuestToken(text: string): boolean {
  return text.startsWith(guestPrefix);
}
