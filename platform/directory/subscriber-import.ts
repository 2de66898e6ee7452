import { guarded } from "./guarded.ts";
import { type SubscriberChange, secretsFor } from "./store.ts";

/** A user to make, and where it stands in the import. */
export interface ImportedSubscriber extends Pick<SubscriberChange, "password" | "ha1"> {
  /** Counted from 1. */
  readonly line: number;
  readonly username: string;
  /** Without the username. */
  readonly aliases: readonly string[];
  readonly displayName: string | null;
}

/** What became of some users. */
export interface ImportResult {
  readonly created: number;
  /** Users who are there already, and stay as they are. */
  readonly existing: number;
  readonly failed: readonly ImportFailure[];
}

export interface ImportFailure {
  readonly line: number;
  readonly problem: string;
}

/** Attempts for some users, if other requests take their names meanwhile. */
const maxAttempts = 3;

const insertion = `INSERT INTO subscribers (domain, username, md5, sha256, aliases, generation, version, created_at, updated_at,
    escaped_md5, escaped_sha256, display_name)
  SELECT ?1, one.value ->> '$.username', one.value ->> '$.md5', one.value ->> '$.sha256', one.value ->> '$.aliases',
    COALESCE(gone.generation, 0) + 1, COALESCE(gone.version, 0) + 1, ?2, ?2,
    one.value ->> '$.escapedMd5', one.value ->> '$.escapedSha256', one.value ->> '$.displayName'
  FROM json_each(?3) AS one
  LEFT JOIN deleted_subscribers AS gone ON gone.domain = ?1 AND gone.username = one.value ->> '$.username'`;
const naming = `INSERT INTO aliases (domain, alias, username)
  SELECT ?1, one.value ->> '$[0]', one.value ->> '$[1]' FROM json_each(?2) AS one`;
const knownNames = `SELECT alias, username FROM aliases WHERE domain = ?1 AND alias IN (SELECT value FROM json_each(?2))`;

/** Makes many users of a domain at a time: three statements, however many they are. */
export class SubscriberImport {
  readonly #database: D1Database;
  readonly #domain: string;

  constructor(database: D1Database, domain: string) {
    this.#database = guarded(database);
    this.#domain = domain;
  }

  /** Makes those who are not there yet. A user whose name or alias belongs to another one fails, and the others do not. */
  async make(users: readonly ImportedSubscriber[], now: number, attempt = 1): Promise<ImportResult> {
    const { wanted, existing, failed } = await this.#sort(users);
    if (wanted.length === 0) return { created: 0, existing, failed };
    try {
      await this.#database.batch([
        this.#database.prepare(insertion).bind(this.#domain, now, JSON.stringify(wanted.map((user) => this.#row(user)))),
        this.#database.prepare(naming).bind(this.#domain, JSON.stringify(wanted.flatMap(namesOf))),
      ]);
    } catch (error) {
      if (!/UNIQUE constraint failed/.test(String(error)) || attempt === maxAttempts) throw error;
      const again = await this.make(wanted, now, attempt + 1);
      return { ...again, existing: existing + again.existing, failed: [...failed, ...again.failed] };
    }
    return { created: wanted.length, existing, failed };
  }

  /** Those who can be made, those who are there, and those whose names are taken, also by one before them. */
  async #sort(users: readonly ImportedSubscriber[]) {
    const names = users.flatMap((user) => namesOf(user).map(([name]) => name));
    const { results } = await this.#database
      .prepare(knownNames)
      .bind(this.#domain, JSON.stringify(names))
      .all<{ alias: string; username: string }>();
    const taken = new Map(results.map(({ alias, username }) => [alias, username]));
    const wanted: ImportedSubscriber[] = [];
    const failed: ImportFailure[] = [];
    let existing = 0;
    for (const user of users) {
      const own = namesOf(user);
      const other = own.find(([name]) => taken.has(name) && taken.get(name) !== user.username);
      if (other !== undefined) failed.push({ line: user.line, problem: `${other[0]} already belongs to another subscriber` });
      else if (taken.has(user.username)) existing += 1;
      else {
        wanted.push(user);
        for (const [name] of own) taken.set(name, user.username);
      }
    }
    return { wanted, existing, failed };
  }

  #row({ username, aliases, displayName, password, ha1 }: ImportedSubscriber) {
    const secrets = secretsFor(username, this.#domain, { password, ha1 });
    const { md5 = "", sha256 = "", escaped = { md5: "", sha256: "" } } = secrets ?? {};
    return { username, md5, sha256, aliases: JSON.stringify(aliases), escapedMd5: escaped.md5, escapedSha256: escaped.sha256, displayName };
  }
}

/** The names of a user, each with the user: so the table's key keeps them unique. */
function namesOf({ username, aliases }: ImportedSubscriber): [name: string, username: string][] {
  return [username, ...aliases].map((name) => [name, username]);
}
