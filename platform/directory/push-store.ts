import type { Keyring } from "../../lib/authentication/keyring.ts";
import type { PushProvider } from "../../lib/push/push-device.ts";
import { type PushService, type ReadPushService, readPushService, writePushService } from "../../lib/push/push-service.ts";
import { guarded } from "./guarded.ts";

interface Row {
  readonly provider: PushProvider;
  readonly settings: string;
}

/** The push notification services of domains in the directory, without a cache. */
export class PushStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /**
   * Those of a domain, by name; none if the database is of an older version. What an older key has sealed is sealed with the first one.
   * @param keyring opens the secrets
   */
  async ofDomain(domain: string, keyring: Keyring | undefined): Promise<ReadPushService[]> {
    const query = this.#database.prepare("SELECT provider, settings FROM push WHERE domain = ? ORDER BY provider").bind(domain);
    const { results } = await query.all<Row>().catch((error: unknown) => {
      if (!/no such table/.test(String(error))) throw error;
      return { results: [] };
    });
    const found = results.map(({ settings }) => ({ settings, read: readPushService(settings, domain, keyring) }));
    for (const { settings, read } of found) if (keyring !== undefined && !read.isLost) await this.#reseal(domain, settings, read, keyring);
    return found.map(({ read }) => read);
  }

  async find(domain: string, provider: PushProvider, keyring: Keyring | undefined): Promise<ReadPushService | undefined> {
    return (await this.ofDomain(domain, keyring)).find(({ service }) => service.provider === provider);
  }

  async put(domain: string, service: PushService, keyring: Keyring): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO push (domain, provider, settings) VALUES (?, ?, ?)");
    await query.bind(domain, service.provider, writePushService(service, domain, keyring)).run();
  }

  /** @returns false if the domain does not use it */
  async delete(domain: string, provider: PushProvider): Promise<boolean> {
    const query = this.#database.prepare("DELETE FROM push WHERE domain = ? AND provider = ?").bind(domain, provider);
    return (await query.run()).meta.changes > 0;
  }

  /** Unless the row has been changed meanwhile. */
  async #reseal(domain: string, before: string, { service }: ReadPushService, keyring: Keyring): Promise<void> {
    const sealed = writePushService(service, domain, keyring);
    if (sealed === before) return;
    const query = this.#database.prepare("UPDATE push SET settings = ? WHERE domain = ? AND provider = ? AND settings = ?");
    await query.bind(sealed, domain, service.provider, before).run();
  }
}
