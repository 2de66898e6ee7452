import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type MediaService, type ReadMediaService, readMediaService, writeMediaService } from "../../lib/media/media-service.ts";
import { guarded } from "./guarded.ts";

/** The media services of domains in the directory, without a cache. */
export class MediaStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /**
   * Those of a domain, by name; none if the database is of an older version. What an older key has sealed is sealed with the first one.
   * @param keyring opens the secrets
   */
  async ofDomain(domain: string, keyring: Keyring | undefined): Promise<ReadMediaService[]> {
    const query = this.#database.prepare("SELECT settings FROM media_services WHERE domain = ? ORDER BY name").bind(domain);
    const { results } = await query.all<{ settings: string }>().catch((error: unknown) => {
      if (!/no such table/.test(String(error))) throw error;
      return { results: [] };
    });
    const found = results.map(({ settings }) => ({ settings, read: readMediaService(settings, domain, keyring) }));
    for (const { settings, read } of found) if (keyring !== undefined && !read.isLost) await this.#reseal(domain, settings, read, keyring);
    return found.map(({ read }) => read);
  }

  async put(domain: string, service: MediaService, keyring: Keyring): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO media_services (domain, name, settings) VALUES (?, ?, ?)");
    await query.bind(domain, service.name, writeMediaService(service, domain, keyring)).run();
  }

  async delete(domain: string, name: string): Promise<boolean> {
    const query = this.#database.prepare("DELETE FROM media_services WHERE domain = ? AND name = ?").bind(domain, name);
    return (await query.run()).meta.changes > 0;
  }

  /** Unless the row has been changed meanwhile. */
  async #reseal(domain: string, before: string, { service }: ReadMediaService, keyring: Keyring): Promise<void> {
    const sealed = writeMediaService(service, domain, keyring);
    if (sealed === before) return;
    const query = this.#database.prepare("UPDATE media_services SET settings = ? WHERE domain = ? AND name = ? AND settings = ?");
    await query.bind(sealed, domain, service.name, before).run();
  }
}
