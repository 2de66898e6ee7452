import type { Keyring } from "../authentication/keyring.ts";
import { type Fault, isFault, limitReached } from "../syntax/fault.ts";
import type { TrunkMedia } from "../media/media-service.ts";
import { nameOfUser, parseUri } from "../syntax/uri.ts";
import { type NumberFormat, numberTowards } from "./number-format.ts";

/** One of the servers of a trunk. */
export interface TrunkServer {
  /** A SIP or SIPS URI without a user. */
  readonly uri: string;
  /** The lowest are tried first; among equals the weight is the share of the calls (RFC 2782). */
  readonly priority: number;
  readonly weight: number;
}

/** Another server that a domain's calls go to and come from: a company's exchange, a provider of telephone numbers. */
export interface Trunk {
  readonly domain: string;
  readonly name: string;
  /** At least one. */
  readonly servers: readonly TrunkServer[];
  /** The binding of the private network in which its servers are; absent: the internet. */
  readonly network?: string;
  /** For our answers to its challenges. */
  readonly username?: string;
  readonly password?: string;
  /** Our bearer token for a server over WebSocket, which treats us as its peer (RFC 6750 §2.1). */
  readonly token?: string;
  /** The resource of its servers over WebSocket (RFC 6455 §3), with a slash first; absent: `/ws`. */
  readonly path?: string;
  /** Stored secrets that are sealed with a key that we no longer have: the trunk is used without them. */
  readonly lost?: readonly TrunkSecret[];
  /** We register there and keep the connection, so that calls can come in through the trunk. */
  readonly register: boolean;
  /** Calls from it are accepted. */
  readonly inbound: boolean;
  /** Prefixes of user parts that go there if there is no such user here: `+49`, `0`; "" for all. */
  readonly prefixes: readonly string[];
  /** It gets the caller's identity (P-Asserted-Identity, RFC 3325), and is trusted to assert it. */
  readonly trusted: boolean;
  readonly format: NumberFormat;
  /** Simultaneous calls over each connection to each server; 0: no limit. */
  readonly maximum_calls: number;
  /** Connections to each server; the Call-ID of a call selects one of them. */
  readonly connections: number;
  /** What the other side speaks; absent: `auto`. */
  readonly media?: TrunkMedia;
  /** Seconds between OPTIONS that check each server; 0: no checks. */
  readonly options_interval: number;
  /** Statuses of its servers after which the next one is tried, besides silence and lost connections; absent: 503. */
  readonly failover_on?: readonly number[];
  /** The user and the host in From of its calls, in place of the caller's. */
  readonly from_user?: string;
  readonly from_domain?: string;
  /** INVITEs a second over each connection to each server; absent: no limit. */
  readonly maximum_calls_per_second?: number;
  /** Minutes of calls to it in a day (UTC) over each connection to each server; absent: no limit. */
  readonly maximum_minutes_per_day?: number;
  /** Prefixes of the only numbers that it may call; absent: all. */
  readonly allowed_destinations?: readonly string[];
  /** Prefixes of numbers that it may not call. */
  readonly forbidden_destinations?: readonly string[];
  /** Header lines of each INVITE to it. */
  readonly headers?: readonly TrunkHeader[];
  /** What becomes of a REFER within a call to it: its server gets it, or the home of its sender transfers the call itself; absent: `pass`. */
  readonly refer?: "pass" | "handle";
  /** What becomes of signatures about the caller (RFC 8224) on the way to it: ours is added, or none goes there; absent: they pass. */
  readonly identity?: "sign" | "remove";
  /** Callers from it are verified: the result is noted, or calls without a valid signature are refused; absent: they are not. */
  readonly verify?: "note" | "require";
}

/** `{user}` and `{domain}` in its value stand for the caller, `{number}` for the called number in the trunk's format. */
export interface TrunkHeader {
  readonly name: string;
  readonly value: string;
}

/** Members that older trunks lack, from before a trunk could have several servers. */
const unsaid = { format: "e164", maximum_calls: 0, connections: 1, options_interval: 0 } as const;

/** The parts of a trunk that are never stored in plain text. */
export type TrunkSecret = "password" | "token";

const secrets: readonly TrunkSecret[] = ["password", "token"];

type StoredTrunk = Trunk & { readonly server?: string; readonly sealed?: Readonly<Partial<Record<TrunkSecret, string>>> };

/**
 * A stored trunk with its secrets opened. Rows of older versions have them in plain text.
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

/** A trunk as it is stored: its secrets sealed with the first key, bound to its name, so that no other trunk's row can use them. */
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

/** The identity of a call from a trunk, instead of an address of record: no user has this name. */
export function trunkIdentity({ name, domain }: Pick<Trunk, "name" | "domain">): string {
  return `${calledTrunk}${name}@${domain}`;
}

/** The name of the trunk in its identity. */
export function trunkNamed(identity: string): string {
  return identity.slice(calledTrunk.length, identity.lastIndexOf("@"));
}

export function isTrunkIdentity(identity: string): boolean {
  return identity.startsWith(calledTrunk);
}

/** The user part of our registration with an account: characters that are not allowed there are escaped (RFC 3261 §25.1 user). */
export function accountUser(username: string): string {
  return username.replace(/[^\w\-.!~*'()&=+$,;?/]/gu, encodeURIComponent);
}

/**
 * The trunk for a user part: the first with the longest matching prefix.
 * @param user canonical; prefixes are compared with its name
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

/** The Request-URI of a user at one of a trunk's servers, by default the first; the number in the trunk's format. */
export function uriAtTrunk({ servers, format }: Trunk, user: string, server = servers[0]?.uri ?? ""): string {
  return server.replace(/^sips?:/i, (scheme) => `${scheme}${numberTowards(format, user)}@`);
}

/** Whether the next server is tried after this response of one: 503 (RFC 3263 §4.3), or as the trunk says. */
export function failsOver({ failover_on: statuses = [503] }: Pick<Trunk, "failover_on">, status: number): boolean {
  return statuses.includes(status);
}

/** For callers, and for calls from the trunk, while its maximum of calls is reached. */
export const allInUse: Fault = limitReached(480, "all lines of the trunk are in use");

/** For callers, while its maximum of calls a second is reached. */
export const tooManyASecond: Fault = limitReached(480, "too many calls a second by the trunk");

/** For callers, until the next day. */
export const tooManyMinutes: Fault = limitReached(480, "the trunk has used up its minutes of today");

/**
 * Whether a connection leads to one of a trunk's servers, by its host, and its port if the trunk names one: addresses in the DNS may have
 * changed since.
 */
export function hasServerAt(
  { servers }: Pick<Trunk, "servers">,
  { host, port }: { readonly host: string; readonly port: number },
): boolean {
  return servers.some((server) => {
    const uri = parseUri(server.uri);
    return !isFault(uri) && uri.kind === "sip" && bareHost(uri.host) === bareHost(host) && (uri.port ?? port) === port;
  });
}

function bareHost(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$|\.$/g, "");
}
