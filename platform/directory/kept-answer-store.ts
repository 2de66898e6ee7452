import { deleteInBatches } from "./delete-in-batches.ts";
import { guarded } from "./guarded.ts";

/** A request that may be sent again, and the answer to it. */
export interface KeptAnswer {
  /** Hash of the body of the request. */
  readonly body: string;
  /** Milliseconds. */
  readonly at: number;
  /** Sealed; null while the request is performed, or if that was broken off. */
  readonly answer: string | null;
}

const kept = 86_400_000;

/** The answers to requests with an Idempotency-Key in the directory. */
export class KeptAnswerStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** Notes that a request is performed from now on; the one that is there already, if there is one. */
  async begin(id: string, body: string, at: number): Promise<KeptAnswer | undefined> {
    const query = this.#database.prepare("INSERT OR IGNORE INTO kept_answers (id, body, at) VALUES (?, ?, ?)");
    const { meta } = await query.bind(id, body, at).run();
    if (meta.changes > 0) return undefined;
    const found = await this.#database.prepare("SELECT body, at, answer FROM kept_answers WHERE id = ?").bind(id).first<KeptAnswer>();
    return found ?? this.begin(id, body, at);
  }

  /** The same for one that was broken off. @returns false if another request has done it first */
  async takeOver(id: string, before: number, at: number): Promise<boolean> {
    const query = this.#database.prepare("UPDATE kept_answers SET at = ?3 WHERE id = ?1 AND at = ?2 AND answer IS NULL");
    return (await query.bind(id, before, at).run()).meta.changes > 0;
  }

  async keep(id: string, answer: string): Promise<void> {
    await this.#database.prepare("UPDATE kept_answers SET answer = ?2 WHERE id = ?1").bind(id, answer).run();
  }

  /** Nothing was done: the request may be made anew. */
  async forget(id: string): Promise<void> {
    await this.#database.prepare("DELETE FROM kept_answers WHERE id = ?").bind(id).run();
  }

  /** Deletes what is older than a day. */
  async deleteOld(now: number): Promise<void> {
    const query = this.#database.prepare("DELETE FROM kept_answers WHERE id IN (SELECT id FROM kept_answers WHERE at < ? LIMIT ?)");
    await deleteInBatches(query, now - kept);
  }
}
