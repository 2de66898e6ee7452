import { guarded } from "./guarded.ts";

/** The uses of tokens that have a limit of them. Only their connections and calls ask here. Throws `DirectoryUnavailable`. */
export class TokenUseStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /**
   * Whether a token for one connection is used by this holder: from now on by no other.
   * @param until milliseconds: the end of the token
   */
  async isHeldBy(id: string, holder: string, until: number): Promise<boolean> {
    const query = this.#database.prepare(
      `INSERT INTO token_uses (id, holder, expires_at) VALUES (?1, ?2, ?3)
       ON CONFLICT (id) DO UPDATE SET holder = excluded.holder WHERE holder IN ('', excluded.holder) RETURNING id`,
    );
    return (await query.bind(id, holder, until).first()) !== null;
  }

  /** Counts a call that begins with a token; false if that would be more than its maximum, which is at least 1. */
  async countCall(id: string, maximum: number, until: number): Promise<boolean> {
    const query = this.#database.prepare(
      `INSERT INTO token_uses (id, calls, expires_at) VALUES (?1, 1, ?3)
       ON CONFLICT (id) DO UPDATE SET calls = calls + 1 WHERE calls < ?2 RETURNING id`,
    );
    return (await query.bind(id, maximum, until).first()) !== null;
  }

  /** Deletes the uses of tokens that have ended. */
  async deleteOld(now: number): Promise<void> {
    await this.#database.prepare("DELETE FROM token_uses WHERE expires_at < ?").bind(now).run();
  }
}
