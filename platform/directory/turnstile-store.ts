import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type TurnstileSettings, readTurnstile, writeTurnstile } from "../../lib/authentication/turnstile-settings.ts";
import { guarded } from "./guarded.ts";

/** What domains ask Turnstile, in the directory, without a cache. */
export class TurnstileStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /**
   * Those of a domain; undefined if it does not use Turnstile. What an older key has sealed is sealed with the first one.
   * @param keyring opens the secret
   */
  async find(domain: string, keyring: Keyring | undefined): Promise<TurnstileSettings | undefined> {
    const query = this.#database.prepare("SELECT settings FROM turnstile WHERE domain = ?").bind(domain);
    const row = await query.first<{ settings: string }>();
    if (row === null) return undefined;
    const found = readTurnstile(row.settings, domain, keyring);
    const sealed = keyring === undefined || found.secret === "" ? row.settings : writeTurnstile(found, domain, keyring);
    if (sealed !== row.settings) await this.#replace(domain, row.settings, sealed);
    return found;
  }

  /** Unless the row has been changed meanwhile. */
  async #replace(domain: string, before: string, sealed: string): Promise<void> {
    const query = this.#database.prepare("UPDATE turnstile SET settings = ? WHERE domain = ? AND settings = ?");
    await query.bind(sealed, domain, before).run();
  }

  async put(domain: string, settings: TurnstileSettings, keyring: Keyring): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO turnstile (domain, settings) VALUES (?, ?)");
    await query.bind(domain, writeTurnstile(settings, domain, keyring)).run();
  }

  /** @returns false if the domain does not use Turnstile */
  async delete(domain: string): Promise<boolean> {
    return (await this.#database.prepare("DELETE FROM turnstile WHERE domain = ?").bind(domain).run()).meta.changes > 0;
  }
}
