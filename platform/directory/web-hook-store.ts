import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type WebHook, readWebHook } from "../../lib/web-hooks/web-hook.ts";
import { guarded } from "./guarded.ts";

/** The web hooks of domains, in the directory, without a cache. */
export class WebHookStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** Those of a domain, by name. @param keyring opens their secrets; undefined if there is no key */
  async list(domain: string, keyring: Keyring | undefined): Promise<WebHook[]> {
    const query = this.#database.prepare("SELECT settings FROM web_hooks WHERE domain = ? ORDER BY name").bind(domain);
    return (await query.all<{ settings: string }>()).results.map(({ settings }) => readWebHook(settings, keyring));
  }

  /** @param settings as `writeWebHook` makes them */
  async put({ domain, name }: WebHook, settings: string): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO web_hooks (domain, name, settings) VALUES (?, ?, ?)");
    await query.bind(domain, name, settings).run();
  }

  /**
   * The receiver wants no more events.
   * @param now milliseconds
   * @returns false if the hook has another URL by now, or is gone
   */
  async disable({ domain, name, url }: WebHook, now: number): Promise<boolean> {
    const query = this.#database.prepare(
      "UPDATE web_hooks SET settings = json_set(settings, '$.disabled', ?) WHERE domain = ? AND name = ? AND settings ->> '$.url' = ?",
    );
    return (await query.bind(now, domain, name, url).run()).meta.changes > 0;
  }

  async delete(domain: string, name: string): Promise<void> {
    await this.#database.prepare("DELETE FROM web_hooks WHERE domain = ? AND name = ?").bind(domain, name).run();
  }
}
