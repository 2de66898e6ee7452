import type { Keyring } from "../authentication/keyring.ts";
import { type Fault, limitReached } from "../syntax/fault.ts";
import { nameOfUser } from "../syntax/uri.ts";
import { type NumberFormat, numberTowards } from "./number-format.ts";

/** One of the servers that a trunk has. */
export interface TrunkServer {
  /** A SIP or SIPS URI without a user. */
  readonly uri: string;
  /** The lowest are tried first; among equals the weight says which share of the calls a server gets (RFC 2782). */
  readonly priority: number;
  readonly weight: number;
}

/** Another server that a domain's calls go to and come from: a company's exchange, a provider of telephone numbers. */
export interface Trunk {
  readonly domain: string;
  readonly name: string;
  /** At least one. */
  readonly servers: readonly TrunkServer[];
  /** How we answer its challenges. */
  readonly username?: string;
  readonly password?: string;
  /** What we show a server that we reach over WebSocket, which takes us for a peer of its own (RFC 6750 §2.1). */
  readonly token?: string;
  /** Secrets that are stored, but sealed with a key that is ours no more: the trunk is used as if it had none. */
  readonly lost?: readonly TrunkSecret[];
  /** We register there, and hold the connection: else nobody could call us by it. */
  readonly register: boolean;
  /** Calls that come from it are taken. */
  readonly inbound: boolean;
  /** Beginnings of user parts that go there if they belong to no user here: `+49`, `0`; "" for all. */
  readonly prefixes: readonly string[];
  /** It is told who calls (P-Asserted-Identity, RFC 3325), and believed. */
  readonly trusted: boolean;
  readonly format: NumberFormat;
  /** At once, over each connection to each of its servers; 0: as many as there are. */
  readonly maximum_calls: number;
  /** To each of its servers; a call keeps to one of them, which its Call-ID chooses. */
  readonly connections: number;
  /** Seconds between OPTIONS that ask each server whether it is well; 0: it is not asked. */
  readonly options_interval: number;
}

/** What trunks that were made before they could have several servers lack. */
const unsaid = { format: "e164", maximum_calls: 0, connections: 1, options_interval: 0 } as const;

/** What of a trunk is never in plain text in the database. */
export type TrunkSecret = "password" | "token";

const secrets: readonly TrunkSecret[] = ["password", "token"];

type StoredTrunk = Trunk & { readonly server?: string; readonly sealed?: Readonly<Partial<Record<TrunkSecret, string>>> };

/**
 * A trunk as it is stored, its secrets opened. Rows of older versions have them in plain text.
 * @param keyring undefined if there is no key, so that no sealed secret can be opened
 */
export function readTrunk(stored: string, keyring?: Keyring): Trunk {
  const { server = "", sealed = {}, ...trunk } = JSON.parse(stored) as StoredTrunk;
  const opened = secrets.flatMap((secret) => {
    const text = sealed[secret];
    return text === undefined ? [] : [[secret, keyring?.open("trunk-secret", text, contextOf(trunk, secret))] as const];
  });
  const lost = opened.flatMap(([secret, text]) => (text === undefined ? [secret] : []));
  return {
    ...unsaid,
    ...trunk,
    servers: trunk.servers ?? [{ uri: server, priority: 1, weight: 1 }],
    ...Object.fromEntries(opened.filter(([, text]) => text !== undefined)),
    ...(lost.length === 0 ? {} : { lost }),
  };
}

/** A trunk as it is to be stored: its secrets sealed with the first key, bound to its name, so that no other trunk's row can have them. */
export function writeTrunk({ lost: _lost, ...trunk }: Trunk, keyring: Keyring): string {
  const { password, token, ...rest } = trunk;
  const plain = { password, token };
  const sealed = secrets.flatMap((secret) => {
    const text = plain[secret];
    return text === undefined ? [] : [[secret, keyring.seal("trunk-secret", text, contextOf(trunk, secret))] as const];
  });
  return JSON.stringify({ ...unsaid, ...rest, ...(sealed.length === 0 ? {} : { sealed: Object.fromEntries(sealed) }) });
}

/** Neither a domain nor a trunk's name has a space. */
function contextOf({ domain, name }: Pick<Trunk, "domain" | "name">, secret: TrunkSecret): string {
  return `${domain} ${name} ${secret}`;
}

const calledTrunk = "trunk:";

/** Whom a call that a trunk brings is of, where an address of record would stand: no user is called so. */
export function trunkIdentity({ name, domain }: Pick<Trunk, "name" | "domain">): string {
  return `${calledTrunk}${name}@${domain}`;
}

export function isTrunkIdentity(identity: string): boolean {
  return identity.startsWith(calledTrunk);
}

/** The user part under which we are registered with an account: what may not stand there is escaped (RFC 3261 §25.1 user). */
export function accountUser(username: string): string {
  return username.replace(/[^\w\-.!~*'()&=+$,;?/]/gu, encodeURIComponent);
}

/**
 * The trunk for a user part: of the longest prefix that fits, the first.
 * @param user canonical; prefixes are compared with what it spells
 */
export function chooseTrunk(trunks: readonly Trunk[], user: string): Trunk | undefined {
  const name = nameOfUser(user) ?? user;
  let chosen: Trunk | undefined;
  let longest = -1;
  for (const trunk of trunks) {
    for (const prefix of trunk.prefixes) {
      if (!name.startsWith(prefix) || prefix.length <= longest) continue;
      chosen = trunk;
      longest = prefix.length;
    }
  }
  return chosen;
}

/** The Request-URI of a user at one of a trunk's servers, the first if none is named; the number as the trunk writes it. */
export function uriAtTrunk({ servers, format }: Trunk, user: string, server = servers[0]?.uri ?? ""): string {
  return server.replace(/^(sips?:)/i, `$1${numberTowards(format, user)}@`);
}

/** What callers, and the trunk's own calls, are told while it has as many calls as it may have. */
export const allInUse: Fault = limitReached(480, "all lines of the trunk are in use");
