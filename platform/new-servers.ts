import { oneInIsolate } from "./isolate.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Servers that a user may have contacted for the first time at once, and per second after that. */
const [atOnce, eachSecond] = [30, 0.2] as const;
/** Milliseconds without use after which a server counts as new again: its connection is closed by then, as a rule. */
const knownFor = 120_000;
const usersKept = 1000;
const serversKept = 100;

interface User {
  readonly bucket: TokenBucket;
  /** The servers that the user has contacted lately: milliseconds of the last time, the oldest first. */
  readonly servers: Map<string, number>;
}

/**
 * Limits how many other servers a user makes us connect to: each costs an object and a connection, and one request can name hundreds.
 * Servers of trunks have no such limit, since an administrator has named them. In the memory of this isolate, since homes forget.
 */
export class NewServers {
  readonly #users = new Map<string, User>();

  /** Whether a user may contact the server with this name now. */
  mayContact(user: string, server: string, now: number): boolean {
    const { bucket, servers } = this.#of(user);
    const last = servers.get(server);
    const isNew = last === undefined || now - last > knownFor;
    if (isNew && !bucket.take(now)) return false;
    renew(servers, server, now, serversKept);
    return true;
  }

  #of(user: string): User {
    const known = this.#users.get(user) ?? { bucket: new TokenBucket(atOnce, eachSecond), servers: new Map<string, number>() };
    renew(this.#users, user, known, usersKept);
    return known;
  }
}

/** Puts an entry last; the oldest is removed when there are too many. */
function renew<T>(entries: Map<string, T>, name: string, value: T, most: number): void {
  entries.delete(name);
  entries.set(name, value);
  const [oldest] = entries.keys();
  if (entries.size > most && oldest !== undefined) entries.delete(oldest);
}

export const newServersOf = oneInIsolate(() => new NewServers());
