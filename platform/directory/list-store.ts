import { guarded } from "./guarded.ts";
import { nameOf } from "./store.ts";
import type { ListEntry, ListName } from "../../lib/presence/resource-list.ts";

/** The platform allows 1,000 subrequests. A home that is not notified reads the list again when its user's subscription is refreshed. */
const maxTold = 900;

/** The lists of resources in the directory, for the API. Owners are canonical user parts here, names in the table. */
export class ListStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** Lists of a subscriber, or of the domain, by name. */
  async all(domain: string, owner = ""): Promise<{ readonly name: string; readonly entries: ListEntry[] }[]> {
    const query = this.#database.prepare("SELECT name, entries FROM lists WHERE domain = ? AND owner = ? ORDER BY name");
    const { results } = await query.bind(domain, nameOf(owner)).all<{ name: string; entries: string }>();
    return results.map(({ name, entries }) => ({ name, entries: JSON.parse(entries) as ListEntry[] }));
  }

  async one(domain: string, { name, owner = "" }: ListName): Promise<ListEntry[] | undefined> {
    const query = this.#database.prepare("SELECT entries FROM lists WHERE domain = ? AND owner = ? AND name = ?");
    const row = await query.bind(domain, nameOf(owner), name).first<{ entries: string }>();
    return row === null ? undefined : (JSON.parse(row.entries) as ListEntry[]);
  }

  /** Its version grows, also if a list of that name was deleted before. */
  async put(domain: string, { name, owner = "" }: ListName, entries: readonly ListEntry[], now: number): Promise<void> {
    const query = this.#database.prepare(
      `INSERT INTO lists (domain, owner, name, version, entries) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (domain, owner, name) DO UPDATE SET version = MAX(lists.version + 1, ?4), entries = ?5`,
    );
    await query.bind(domain, nameOf(owner), name, now, JSON.stringify(entries)).run();
  }

  async remove(domain: string, { name, owner = "" }: ListName): Promise<boolean> {
    const query = this.#database.prepare("DELETE FROM lists WHERE domain = ? AND owner = ? AND name = ?");
    return (await query.bind(domain, nameOf(owner), name).run()).meta.changes > 0;
  }

  /** The homes whose users watch a list of the domain: as many as one request of the API can notify. */
  async watchers(domain: string, name: string, now: number): Promise<string[]> {
    await this.#database.prepare("DELETE FROM list_watchers WHERE domain = ? AND name = ? AND until < ?").bind(domain, name, now).run();
    const query = this.#database.prepare("SELECT home FROM list_watchers WHERE domain = ? AND name = ? ORDER BY until DESC LIMIT ?");
    const { results } = await query.bind(domain, name, maxTold).all<{ home: string }>();
    return results.map(({ home }) => home);
  }
}
