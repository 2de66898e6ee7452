import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type TurnstileSettings, readTurnstile, writeTurnstile } from "../../lib/authentication/turnstile-settings.ts";
import { guarded } from "./guarded.ts";

/** What domains ask Turnstile, in the directory, without a cache. */
export class TurnstileStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** @param keyring opens the secret @returns undefined if the domain does not use Turnstile */
  async find(domain: string, keyring: Keyring | undefined): Promise<TurnstileSettings | undefined> {
    const query = this.#database.prepare("SELECT settings FROM turnstile WHERE domain = ?").bind(domain);
    const row = await query.first<{ settings: string }>();
    return row === null ? undefined : readTurnstile(row.settings, domain, keyring);
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
