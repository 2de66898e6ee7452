import type { TokenIssuer } from "../../lib/authentication/token-issuer.ts";
import { guarded } from "./guarded.ts";

/** A key set as it was fetched. */
export interface FetchedKeys {
  /** JSON. */
  readonly text: string;
  /** Milliseconds. */
  readonly at: number;
}

/** An issuer, and its last key set. */
export interface KnownIssuer {
  readonly issuer: TokenIssuer;
  readonly fetched: FetchedKeys | undefined;
}

interface Row {
  readonly settings: string;
  readonly keys: string | null;
  readonly keys_at: number | null;
}

/** Domains that may share an issuer. */
const maxShared = 50;

/** The issuers of tokens in the directory, without a cache. */
export class IssuerStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** Those of a domain, by name; none if the database is of an older version, so that phones without tokens can connect. */
  async ofDomain(domain: string): Promise<KnownIssuer[]> {
    const query = this.#database.prepare("SELECT settings, keys, keys_at FROM issuers WHERE domain = ? ORDER BY name").bind(domain);
    try {
      return (await query.all<Row>()).results.map(knownIssuer);
    } catch (error) {
      if (!/no such table/.test(String(error))) throw error;
      return [];
    }
  }

  /** Those with this claim iss. @param domain undefined: of all domains, those of the first one before the others */
  async withClaim(issuer: string, domain: string | undefined, first = ""): Promise<KnownIssuer[]> {
    const query = this.#database.prepare(
      "SELECT settings, keys, keys_at FROM issuers WHERE issuer = ?1 AND domain = COALESCE(?2, domain) ORDER BY domain = ?3 DESC, domain, name LIMIT ?4",
    );
    return (await query.bind(issuer, domain ?? null, first, maxShared).all<Row>()).results.map(knownIssuer);
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

function knownIssuer({ settings, keys, keys_at: at }: Row): KnownIssuer {
  return { issuer: JSON.parse(settings) as TokenIssuer, fetched: keys === null || at === null ? undefined : { text: keys, at } };
}
