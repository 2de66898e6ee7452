import { guarded } from "./guarded.ts";

/** The domains whose events have watchers, in the directory: homes send no events that are not wanted. */
export class EventWatchStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  async add(domain: string): Promise<void> {
    await this.#database.prepare("INSERT OR IGNORE INTO event_watches (domain) VALUES (?)").bind(domain).run();
  }

  async delete(domain: string): Promise<void> {
    await this.#database.prepare("DELETE FROM event_watches WHERE domain = ?").bind(domain).run();
  }
}
