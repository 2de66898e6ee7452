import type { Scope } from "../../lib/authentication/scope.ts";
import { guarded } from "./guarded.ts";

/** A key to the API, without its secret. Times in milliseconds. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** Undefined: for all domains. */
  readonly domain: string | undefined;
  readonly scope: Scope;
  readonly createdAt: number;
  /** Undefined: it does not expire. */
  readonly expiresAt: number | undefined;
  /** The beginning of the day (UTC) of its last use; undefined: it was never used. */
  readonly lastUsedAt: number | undefined;
}

/** Keys of all domains together, those that have expired included. */
export const maxKeys = 1000;
/** How long expired keys are listed. */
const expiredKept = 90 * 86_400_000;

/** The keys to the API in the directory. */
export class KeyStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** All keys, the newest first. */
  async list(): Promise<ApiKey[]> {
    const { results } = await this.#database
      .prepare("SELECT * FROM api_keys ORDER BY created_at DESC, id LIMIT ?")
      .bind(maxKeys)
      .all<Row>();
    return results.map(keyOf);
  }

  /** A key and its hash; undefined if there is no such key. */
  async find(id: string): Promise<{ readonly key: ApiKey; readonly hash: string } | undefined> {
    const row = await this.#database.prepare("SELECT * FROM api_keys WHERE id = ?").bind(id).first<Row>();
    return row === null ? undefined : { key: keyOf(row), hash: row.hash };
  }

  /** @returns false if there are too many keys, or if the key's domain does not exist */
  async insert({ id, name, domain = "", scope, createdAt, expiresAt }: InsertedKey, hash: string): Promise<boolean> {
    const query = this.#database.prepare(
      `INSERT INTO api_keys (id, hash, name, domain, scope, created_at, expires_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
       WHERE (?4 = '' OR EXISTS (SELECT 1 FROM domains WHERE name = ?4)) AND (SELECT COUNT(*) FROM api_keys) < ?8`,
    );
    const { meta } = await query.bind(id, hash, name, domain, scope, createdAt, expiresAt ?? null, maxKeys).run();
    return meta.changes > 0;
  }

  /** @returns false if there was no such key */
  async delete(id: string): Promise<boolean> {
    const { meta } = await this.#database.prepare("DELETE FROM api_keys WHERE id = ?").bind(id).run();
    return meta.changes > 0;
  }

  /** Notes the day of a use, once. @param day its beginning */
  async noteUse(id: string, day: number): Promise<void> {
    const query = this.#database.prepare("UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND COALESCE(last_used_at, 0) < ?2");
    await query.bind(id, day).run();
  }

  /** Deletes keys that expired long ago. */
  async deleteOld(now: number): Promise<void> {
    await this.#database
      .prepare("DELETE FROM api_keys WHERE expires_at < ?")
      .bind(now - expiredKept)
      .run();
  }
}

type InsertedKey = Omit<ApiKey, "lastUsedAt">;

interface Row {
  readonly id: string;
  readonly hash: string;
  readonly name: string;
  readonly domain: string;
  readonly scope: Scope;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
}

function keyOf({ id, name, domain, scope, created_at: createdAt, expires_at: expires, last_used_at: lastUsed }: Row): ApiKey {
  const times = { createdAt, expiresAt: expires ?? undefined, lastUsedAt: lastUsed ?? undefined };
  return { id, name, domain: domain === "" ? undefined : domain, scope, ...times };
}
