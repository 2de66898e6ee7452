import { tables } from "./tables.ts";
import { createHash } from "node:crypto";
import type { DomainSettings, DomainTrace } from "../../lib/location/domain-settings.ts";
import type { Router } from "../../lib/location/router.ts";
import { canonicalUser, nameOfUser } from "../../lib/syntax/uri.ts";
import type { Rules } from "../../lib/location/rules.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { domainSettingsOf, subscriberOf } from "./rows.ts";
import { guarded } from "./guarded.ts";
import { DirectoryRefusal } from "./errors.ts";

/** The content of a PUT of a subscriber; undefined keeps the present value. */
export interface SubscriberChange {
  /** null: none, so that the user signs in by tokens only. */
  readonly password: string | null | undefined;
  /** HA1 from another server, instead of the password: one of the two or both. */
  readonly ha1: { readonly md5?: string | undefined; readonly sha256?: string | undefined } | undefined;
  readonly aliases: readonly string[] | undefined;
  /** null: none. */
  readonly displayName: string | null | undefined;
}

/** A subscriber as the API reads it. */
export interface Listed {
  readonly subscriber: Subscriber;
  readonly displayName: string | null;
}

export interface Change<T> {
  readonly created: boolean;
  readonly value: T;
}

/** Attempts of a change, if other changes happen at the same time. */
const maxAttempts = 20;

type SubscriberRow = Parameters<typeof subscriberOf>[0] & { readonly display_name: string | null };

/** Domains and their subscribers in the directory, for the API. Names of users have no escapes here. */
export class Store {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  async domains({ after, limit, search }: Page): Promise<string[]> {
    const { results } = await this.#database
      .prepare("SELECT name FROM domains WHERE name > ? AND instr(name, lower(?)) > 0 ORDER BY name LIMIT ?")
      .bind(after, search, limit)
      .all<{ name: string }>();
    return results.map((row) => row.name);
  }

  /** The number of users of each domain, and of those who have ever registered. */
  async countSubscribers(): Promise<readonly { readonly domain: string; readonly all: number; readonly opened: number }[]> {
    const query = 'SELECT domain, COUNT(*) AS "all", COUNT(opened_at) AS opened FROM subscribers GROUP BY domain';
    return (await this.#database.prepare(query).all<{ domain: string; all: number; opened: number }>()).results;
  }

  async hasDomain(domain: string): Promise<boolean> {
    return (await this.#database.prepare("SELECT name FROM domains WHERE name = ?").bind(domain).first()) !== null;
  }

  async putDomain(domain: string, now: number): Promise<Change<string>> {
    const { meta } = await this.#database.prepare("INSERT OR IGNORE INTO domains (name, created_at) VALUES (?, ?)").bind(domain, now).run();
    return { created: meta.changes > 0, value: domain };
  }

  async domainSettings(domain: string): Promise<DomainSettings> {
    const row = await this.#database.prepare("SELECT settings FROM domains WHERE name = ?").bind(domain).first<{ settings: string }>();
    if (row === null) throw new DirectoryRefusal("missing", `there is no domain ${domain}`);
    return domainSettingsOf(row.settings);
  }

  /** The trace and the router of the domain stay as they are. */
  async putDomainSettings(domain: string, settings: DomainSettings): Promise<void> {
    const kept = "json_object('trace', json_extract(settings, '$.trace'), 'router', json_extract(settings, '$.router'))";
    await this.#changeDomain(`json_patch(?, ${kept})`, JSON.stringify(settings), domain);
  }

  /** @param router undefined: there is none any more */
  async putRouter(domain: string, router: Router | undefined): Promise<void> {
    if (router === undefined) await this.#changeDomain("json_remove(settings, ?)", "$.router", domain);
    else await this.#changeDomain("json_set(settings, '$.router', json(?))", JSON.stringify(router), domain);
  }

  /** @param trace undefined: there is none any more */
  async putDomainTrace(domain: string, trace: DomainTrace | undefined): Promise<void> {
    if (trace === undefined) await this.#changeDomain("json_remove(settings, ?)", "$.trace", domain);
    else await this.#changeDomain("json_set(settings, '$.trace', json(?))", JSON.stringify(trace), domain);
  }

  async #changeDomain(settings: string, value: string, domain: string): Promise<void> {
    const { meta } = await this.#database.prepare(`UPDATE domains SET settings = ${settings} WHERE name = ?`).bind(value, domain).run();
    if (meta.changes === 0) throw new DirectoryRefusal("missing", `there is no domain ${domain}`);
  }

  /** Whether all tables are there: a database of an older version lacks some. */
  async hasTables(): Promise<boolean> {
    const { results } = await this.#database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all<{ name: string }>();
    const found = new Set(results.map(({ name }) => name));
    return tables.every((name) => found.has(name));
  }

  /** Deletes a domain with all its subscribers, and returns those. */
  async deleteDomain(domain: string): Promise<Subscriber[]> {
    if (!(await this.hasDomain(domain))) throw new DirectoryRefusal("missing", `there is no domain ${domain}`);
    const { results } = await this.#database.prepare("SELECT * FROM subscribers WHERE domain = ?").bind(domain).all<SubscriberRow>();
    await this.#database.batch([
      this.#database
        .prepare(
          "INSERT OR REPLACE INTO deleted_subscribers SELECT domain, username, generation, version FROM subscribers WHERE domain = ?",
        )
        .bind(domain),
      this.#database.prepare("DELETE FROM aliases WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM subscribers WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM trunks WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM trunk_faults WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM routes WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM peers WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM web_hooks WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM event_watches WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM issuers WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM ice WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM turnstile WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM push WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM media_services WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM signing WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM lists WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM list_watchers WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM api_keys WHERE domain = ?").bind(domain),
      this.#database.prepare("DELETE FROM domains WHERE name = ?").bind(domain),
    ]);
    return results.map(subscriberOf);
  }

  /**
   * In pages, by name.
   * @param search only subscribers whose name, display name or an alias contains it, in any case of ASCII letters
   */
  async subscribers(domain: string, { after, limit, search }: Page): Promise<Listed[]> {
    if (!(await this.hasDomain(domain))) throw new DirectoryRefusal("missing", `there is no domain ${domain}`);
    const { results } = await this.#database
      .prepare(
        `SELECT * FROM subscribers WHERE domain = ?1 AND username > ?2 AND (?4 = '' OR instr(lower(username), lower(?4)) > 0
         OR instr(lower(COALESCE(display_name, '')), lower(?4)) > 0
         OR EXISTS (SELECT 1 FROM json_each(aliases) WHERE instr(lower(value), lower(?4)) > 0)) ORDER BY username LIMIT ?3`,
      )
      .bind(domain, after, limit, search)
      .all<SubscriberRow>();
    return results.map(listed);
  }

  async #find(domain: string, username: string): Promise<Listed | undefined> {
    const row = await this.#database
      .prepare("SELECT * FROM subscribers WHERE domain = ? AND username = ?")
      .bind(domain, username)
      .first<SubscriberRow>();
    return row === null ? undefined : listed(row);
  }

  async subscriber(domain: string, username: string): Promise<Subscriber | undefined> {
    return (await this.#find(domain, username))?.subscriber;
  }

  async listed(domain: string, username: string): Promise<Listed> {
    const found = await this.#find(domain, username);
    if (found === undefined) throw new DirectoryRefusal("missing", `there is no subscriber ${username} in ${domain}`);
    return found;
  }

  async existing(domain: string, username: string): Promise<Subscriber> {
    return (await this.listed(domain, username)).subscriber;
  }

  async putRules(domain: string, username: string, rules: Rules, now: number): Promise<Subscriber> {
    await this.#database
      .prepare("UPDATE subscribers SET rules = ?, version = version + 1, updated_at = ? WHERE domain = ? AND username = ?")
      .bind(JSON.stringify(rules), now, domain, username)
      .run();
    return this.existing(domain, username);
  }

  /** Tokens of the user that were issued before now are not accepted any more. */
  async revokeTokens(domain: string, username: string, now: number): Promise<Subscriber> {
    await this.#database
      .prepare("UPDATE subscribers SET tokens_since = ?1, version = version + 1, updated_at = ?1 WHERE domain = ?2 AND username = ?3")
      .bind(now, domain, username)
      .run();
    return this.existing(domain, username);
  }

  /** Changes the present rules, also if another request changes them at the same time. */
  async changeRules(domain: string, username: string, change: (rules: Rules) => Rules, now: number): Promise<Subscriber> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { rules, version } = await this.existing(domain, username);
      const { meta } = await this.#database
        .prepare(
          "UPDATE subscribers SET rules = ?, version = version + 1, updated_at = ? WHERE domain = ? AND username = ? AND version = ?",
        )
        .bind(JSON.stringify(change(rules)), now, domain, username, version)
        .run();
      if (meta.changes > 0) return this.existing(domain, username);
    }
    throw new DirectoryRefusal("taken", "other requests change this subscriber at the same time: try again");
  }

  async putSubscriber(domain: string, username: string, change: SubscriberChange, now: number): Promise<Change<Listed>> {
    if (!(await this.hasDomain(domain))) throw new DirectoryRefusal("missing", `there is no domain ${domain}`);
    const existing = await this.#find(domain, username);
    const secrets = secretsFor(username, domain, change) ?? existing?.subscriber;
    if (secrets === undefined) throw new DirectoryRefusal("incomplete", "password: a new subscriber needs a password, or ha1");
    const aliases = change.aliases ?? existing?.subscriber.aliases.map(nameOf) ?? [];
    await this.#refuseTaken(domain, username, aliases);
    const { md5, sha256, escaped = { md5: "", sha256: "" } } = secrets;
    const displayName = change.displayName === undefined ? (existing?.displayName ?? null) : change.displayName;
    const values = [domain, username, md5, sha256, JSON.stringify(aliases), now, now, escaped.md5, escaped.sha256, displayName];
    const before =
      "SELECT MAX(generation) AS generation, MAX(version) AS version FROM deleted_subscribers WHERE domain = ?1 AND username = ?2";
    const changing = this.#database.batch([
      this.#database
        .prepare(
          `INSERT INTO subscribers (domain, username, md5, sha256, aliases, generation, version, created_at, updated_at,
           escaped_md5, escaped_sha256, display_name)
           SELECT ?1, ?2, ?3, ?4, ?5, COALESCE(generation, 0) + 1, COALESCE(version, 0) + 1, ?6, ?7, ?8, ?9, ?10 FROM (${before}) WHERE true
           ON CONFLICT (domain, username) DO UPDATE SET md5 = excluded.md5, sha256 = excluded.sha256, aliases = excluded.aliases,
           escaped_md5 = excluded.escaped_md5, escaped_sha256 = excluded.escaped_sha256, display_name = excluded.display_name,
           version = subscribers.version + 1, updated_at = excluded.updated_at`,
        )
        .bind(...values),
      this.#database.prepare("DELETE FROM aliases WHERE domain = ? AND username = ?").bind(domain, username),
      // With the user's own name: so the table's key keeps names unique, also in simultaneous changes.
      ...[username, ...aliases].map((name) =>
        this.#database.prepare("INSERT INTO aliases (domain, alias, username) VALUES (?, ?, ?)").bind(domain, name, username),
      ),
    ]);
    await changing.catch((error: unknown) => {
      throw isTakenName(error) ? new DirectoryRefusal("taken", "one of the names was given to another subscriber meanwhile") : error;
    });
    const value = await this.#find(domain, username);
    if (value === undefined) throw new DirectoryRefusal("taken", "the subscriber was deleted meanwhile");
    return { created: existing === undefined, value };
  }

  async deleteSubscriber(domain: string, username: string): Promise<Subscriber> {
    const existing = await this.existing(domain, username);
    await this.#database.batch([
      this.#database
        .prepare(
          "INSERT OR REPLACE INTO deleted_subscribers SELECT domain, username, generation, version FROM subscribers WHERE domain = ? AND username = ?",
        )
        .bind(domain, username),
      this.#database.prepare("DELETE FROM aliases WHERE domain = ? AND username = ?").bind(domain, username),
      this.#database.prepare("DELETE FROM subscribers WHERE domain = ? AND username = ?").bind(domain, username),
      this.#database.prepare("DELETE FROM lists WHERE domain = ? AND owner = ?").bind(domain, username),
    ]);
    return existing;
  }

  /** A name belongs to one subscriber: no alias may be another's alias or username, and no username another's alias. */
  async #refuseTaken(domain: string, username: string, aliases: readonly string[]): Promise<void> {
    const names = [username, ...aliases];
    const marks = names.map((_name, index) => `?${index + 3}`).join(", ");
    const taken = await this.#database
      .prepare(
        `SELECT alias AS name FROM aliases WHERE domain = ?1 AND username <> ?2 AND alias IN (${marks})
         UNION SELECT username FROM subscribers WHERE domain = ?1 AND username <> ?2 AND username IN (${marks})`,
      )
      .bind(domain, username, ...names)
      .first<{ name: string }>();
    if (taken !== null) throw new DirectoryRefusal("taken", `${taken.name} already belongs to another subscriber`);
  }
}

/** The error of D1 if a name is in the table already. */
function isTakenName(error: unknown): boolean {
  return error instanceof Error && error.message.includes("UNIQUE constraint failed: aliases");
}

/** The page of domains, or of a domain's subscribers, to list. */
interface Page {
  /** The last name of the previous page; "" for the first page. */
  readonly after: string;
  readonly limit: number;
  /** "" for all. */
  readonly search: string;
}

function listed(row: SubscriberRow): Listed {
  return { subscriber: subscriberOf(row), displayName: row.display_name };
}

/** The name of a canonical user part in the directory. */
export function nameOf(user: string): string {
  return nameOfUser(user) ?? user;
}

type Secrets = Pick<Subscriber, "md5" | "sha256" | "escaped">;

/** HA1 of RFC 7616 §3.4.2; undefined if neither a password nor HA1 is given; no hash for no password. An imported HA1 is for the unescaped name. */
export function secretsFor(
  username: string,
  domain: string,
  { password, ha1 }: Pick<SubscriberChange, "password" | "ha1">,
): Secrets | undefined {
  if (ha1 !== undefined) return { md5: ha1.md5 ?? "", sha256: ha1.sha256 ?? "" };
  if (password === undefined) return undefined;
  if (password === null) return { md5: "", sha256: "" };
  const user = canonicalUser(username);
  const own = hashes(username, domain, password);
  return user === username ? own : { ...own, escaped: hashes(user, domain, password) };
}

/** HA1 of RFC 7616 §3.4.2 in both algorithms; the realm is the domain. */
function hashes(username: string, domain: string, password: string): { readonly md5: string; readonly sha256: string } {
  const secret = `${username}:${domain}:${password}`;
  return { md5: createHash("md5").update(secret).digest("hex"), sha256: createHash("sha256").update(secret).digest("hex") };
}
