import type { TokenIssuer } from "../../lib/authentication/token-issuer.ts";
import { guarded } from "./guarded.ts";

/** A key set as it was fetched. */
export interface FetchedKeys {
  /** JSON. */
  readonly text: string;
  /** Milliseconds. */
  readonly at: number;
}

/** An issuer, and when its last key set was fetched (milliseconds). */
export interface KnownIssuer {
  readonly issuer: TokenIssuer;
  readonly fetchedAt: number | undefined;
}

interface Row {
  readonly settings: string;
  readonly keys_at: number | null;
}

/** Issuers with one claim iss that are read at a time: many domains may share one. */
export const maxShared = 500;

/** The issuers of tokens in the directory, without a cache. */
export class IssuerStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** Those of a domain, by name; none if the database is of an older version, so that phones without tokens can connect. */
  async ofDomain(domain: string): Promise<KnownIssuer[]> {
    const query = this.#database.prepare("SELECT settings, keys_at FROM issuers WHERE domain = ? ORDER BY name").bind(domain);
    try {
      return (await query.all<Row>()).results.map(knownIssuer);
    } catch (error) {
      if (!/no such table/.test(String(error))) throw error;
      return [];
    }
  }

  /** Those of all domains with this claim iss, without their keys. */
  async withClaim(issuer: string): Promise<KnownIssuer[]> {
    const query = this.#database.prepare(
      "SELECT json_remove(settings, '$.keys') AS settings, keys_at FROM issuers WHERE issuer = ? ORDER BY domain, name LIMIT ?",
    );
    return (await query.bind(issuer, maxShared).all<Row>()).results.map(knownIssuer);
  }

  /** The newest keys that were fetched from the place of this issuer's, for whatever domain. */
  async fetchedKeys({ issuer, keysUrl = "" }: TokenIssuer): Promise<FetchedKeys | undefined> {
    const query = this.#database.prepare(
      `SELECT keys AS text, keys_at AS at FROM issuers
        WHERE issuer = ? AND settings ->> '$.keysUrl' = ? AND keys IS NOT NULL ORDER BY keys_at DESC LIMIT 1`,
    );
    return (await query.bind(issuer, keysUrl).first<FetchedKeys>()) ?? undefined;
  }

  /** The keys that an issuer has for good, as JSON. */
  async ownKeys({ domain, name }: TokenIssuer): Promise<string | undefined> {
    const query = this.#database.prepare("SELECT settings ->> '$.keys' AS keys FROM issuers WHERE domain = ? AND name = ?");
    return (await query.bind(domain, name).first<{ keys: string | null }>())?.keys ?? undefined;
  }

  async put(issuer: TokenIssuer, fetched: FetchedKeys | undefined): Promise<void> {
    const query = "INSERT OR REPLACE INTO issuers (domain, name, issuer, settings, keys, keys_at) VALUES (?, ?, ?, ?, ?, ?)";
    const { domain, name } = issuer;
    const values = [domain, name, issuer.issuer, JSON.stringify(issuer), fetched?.text ?? null, fetched?.at ?? null];
    await this.#database
      .prepare(query)
      .bind(...values)
      .run();
  }

  /** Keeps a newer key set, if the issuer has its keys at the same place still. */
  async keep({ domain, name, keysUrl = "" }: TokenIssuer, { text, at }: FetchedKeys): Promise<void> {
    const query = `UPDATE issuers SET keys = ?, keys_at = ? WHERE domain = ? AND name = ? AND settings ->> '$.keysUrl' = ?`;
    await this.#database.prepare(query).bind(text, at, domain, name, keysUrl).run();
  }

  async delete(domain: string, name: string): Promise<boolean> {
    const query = this.#database.prepare("DELETE FROM issuers WHERE domain = ? AND name = ?");
    return (await query.bind(domain, name).run()).meta.changes > 0;
  }
}

function knownIssuer({ settings, keys_at: at }: Row): KnownIssuer {
  return { issuer: JSON.parse(settings) as TokenIssuer, fetchedAt: at ?? undefined };
}
