import type { Keyring } from "../../lib/authentication/keyring.ts";
import {
  type ReadSigningSettings,
  type SigningSettings,
  readSigningSettings,
  writeSigningSettings,
} from "../../lib/stir/signing-settings.ts";
import { guarded } from "./guarded.ts";

/** How the calls of domains are signed, in the directory, without a cache. */
export class SigningStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /**
   * The settings of a domain; undefined if it has none, or if the database is of an older version. What an older key has sealed is sealed with
   * the first one.
   * @param keyring opens the private key
   */
  async find(domain: string, keyring: Keyring | undefined): Promise<ReadSigningSettings | undefined> {
    const query = this.#database.prepare("SELECT settings FROM signing WHERE domain = ?").bind(domain);
    const row = await query.first<{ settings: string }>().catch((error: unknown) => {
      if (!/no such table/.test(String(error))) throw error;
      return null;
    });
    if (row === null) return undefined;
    const found = readSigningSettings(row.settings, domain, keyring);
    if (keyring === undefined || found.isLost) return found;
    const sealed = writeSigningSettings(found.settings, domain, keyring);
    if (sealed !== row.settings) await this.#replace(domain, row.settings, sealed);
    return found;
  }

  /** Unless the row has been changed meanwhile. */
  async #replace(domain: string, before: string, sealed: string): Promise<void> {
    const query = this.#database.prepare("UPDATE signing SET settings = ? WHERE domain = ? AND settings = ?");
    await query.bind(sealed, domain, before).run();
  }

  async put(domain: string, settings: SigningSettings, keyring: Keyring): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO signing (domain, settings) VALUES (?, ?)");
    await query.bind(domain, writeSigningSettings(settings, domain, keyring)).run();
  }

  /** @returns false if the domain has none */
  async delete(domain: string): Promise<boolean> {
    return (await this.#database.prepare("DELETE FROM signing WHERE domain = ?").bind(domain).run()).meta.changes > 0;
  }
}
