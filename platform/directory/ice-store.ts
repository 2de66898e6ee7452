import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type IceSettings, type ReadIceSettings, readIceSettings, writeIceSettings } from "../../lib/ice/ice-settings.ts";
import { guarded } from "./guarded.ts";

/** The STUN and TURN servers of domains, in the directory, without a cache. */
export class IceStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** Those of a domain; undefined if it has none. What an older key has sealed is sealed with the first one. @param keyring opens the secrets */
  async find(domain: string, keyring: Keyring | undefined): Promise<ReadIceSettings | undefined> {
    const query = this.#database.prepare("SELECT settings FROM ice WHERE domain = ?").bind(domain);
    const row = await query.first<{ settings: string }>();
    if (row === null) return undefined;
    const found = readIceSettings(row.settings, domain, keyring);
    if (keyring === undefined || found.isLost) return found;
    const sealed = writeIceSettings(found.settings, domain, keyring);
    if (sealed !== row.settings) await this.#replace(domain, row.settings, sealed);
    return found;
  }

  /** Unless the row has been changed meanwhile. */
  async #replace(domain: string, before: string, sealed: string): Promise<void> {
    const query = this.#database.prepare("UPDATE ice SET settings = ? WHERE domain = ? AND settings = ?");
    await query.bind(sealed, domain, before).run();
  }

  async put(domain: string, settings: IceSettings, keyring: Keyring): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO ice (domain, settings) VALUES (?, ?)");
    await query.bind(domain, writeIceSettings(settings, domain, keyring)).run();
  }

  /** @returns false if the domain has none */
  async delete(domain: string): Promise<boolean> {
    return (await this.#database.prepare("DELETE FROM ice WHERE domain = ?").bind(domain).run()).meta.changes > 0;
  }
}
