import type { Keyring } from "../../lib/authentication/keyring.ts";
import type { Route } from "../../lib/routing/route.ts";
import { type Trunk, readTrunk } from "../../lib/routing/trunk.ts";
import type { NonSubscriber } from "../../lib/transport/non-subscriber.ts";
import { guarded } from "./guarded.ts";

/** A peer as its row has it: token and certificate as hashes. */
export interface PeerRow {
  readonly domain: string;
  readonly name: string;
  readonly token: string | null;
  readonly certificate: string | null;
  readonly settings: NonSubscriber;
}

/** The other servers of a domain in the directory, and the routes to them, for the API: without a cache. */
export class ServerStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /** @param keyring opens their secrets; undefined if there is no key */
  async trunks(domain: string, keyring: Keyring | undefined): Promise<Trunk[]> {
    const query = this.#database.prepare("SELECT settings FROM trunks WHERE domain = ? ORDER BY name").bind(domain);
    return (await query.all<{ settings: string }>()).results.map(({ settings }) => readTrunk(settings, keyring));
  }

  async hasTrunk(domain: string, name: string): Promise<boolean> {
    return (await this.#database.prepare("SELECT 1 FROM trunks WHERE domain = ? AND name = ?").bind(domain, name).first()) !== null;
  }

  /** @param settings as `writeTrunk` makes them */
  async putTrunk({ domain, name }: Trunk, settings: string): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO trunks (domain, name, settings) VALUES (?, ?, ?)");
    await query.bind(domain, name, settings).run();
  }

  async deleteTrunk(domain: string, name: string): Promise<void> {
    await this.#database.prepare("DELETE FROM trunks WHERE domain = ? AND name = ?").bind(domain, name).run();
  }

  async routes(domain: string): Promise<Route[]> {
    const query = this.#database.prepare("SELECT settings FROM routes WHERE domain = ? ORDER BY name").bind(domain);
    return (await query.all<{ settings: string }>()).results.map(({ settings }) => JSON.parse(settings) as Route);
  }

  async putRoute(route: Route): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO routes (domain, name, settings) VALUES (?, ?, ?)");
    await query.bind(route.domain, route.name, JSON.stringify(route)).run();
  }

  async deleteRoute(domain: string, name: string): Promise<boolean> {
    const { meta } = await this.#database.prepare("DELETE FROM routes WHERE domain = ? AND name = ?").bind(domain, name).run();
    return meta.changes > 0;
  }

  async peers(domain: string): Promise<PeerRow[]> {
    const query = this.#database.prepare("SELECT * FROM peers WHERE domain = ? ORDER BY name").bind(domain);
    const { results } = await query.all<Omit<PeerRow, "settings"> & { settings: string }>();
    return results.map((row) => ({ ...row, settings: JSON.parse(row.settings) as NonSubscriber }));
  }

  /** @returns false if another peer has its token or certificate */
  async putPeer({ domain, name, token, certificate, settings }: PeerRow): Promise<boolean> {
    const taken = await this.#database
      .prepare("SELECT 1 FROM peers WHERE (token = ? OR certificate = ?) AND NOT (domain = ? AND name = ?)")
      .bind(token, certificate, domain, name)
      .first();
    if (taken !== null) return false;
    const query = this.#database.prepare(
      "INSERT OR REPLACE INTO peers (domain, name, token, certificate, settings) VALUES (?, ?, ?, ?, ?)",
    );
    await query.bind(domain, name, token, certificate, JSON.stringify(settings)).run();
    return true;
  }

  async deletePeer(domain: string, name: string): Promise<void> {
    await this.#database.prepare("DELETE FROM peers WHERE domain = ? AND name = ?").bind(domain, name).run();
  }
}
