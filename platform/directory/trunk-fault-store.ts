import { guarded } from "./guarded.ts";

/** The servers of a trunk that were found out of order. */
export interface TrunkFaults {
  readonly domain: string;
  readonly trunk: string;
  readonly servers: number;
}

/** The servers of trunks that are out of order, in the directory, for the metrics. */
export class TrunkFaultStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /**
   * @param server the name of the connection's object
   * @param since milliseconds
   */
  async add(server: string, { domain, name }: { readonly domain: string; readonly name: string }, since: number): Promise<void> {
    const query = this.#database.prepare("INSERT OR REPLACE INTO trunk_faults (server, domain, trunk, since) VALUES (?, ?, ?, ?)");
    await query.bind(server, domain, name, since).run();
  }

  async delete(server: string): Promise<void> {
    await this.#database.prepare("DELETE FROM trunk_faults WHERE server = ?").bind(server).run();
  }

  /** Of each trunk that is watched, because it registers us or is asked by OPTIONS; 0 servers if all are in order. */
  async list(): Promise<TrunkFaults[]> {
    const query = `SELECT t.domain, t.name AS trunk, COUNT(f.server) AS servers FROM trunks t
      LEFT JOIN trunk_faults f ON f.domain = t.domain AND f.trunk = t.name
      WHERE t.settings ->> '$.register' = 1 OR t.settings ->> '$.options_interval' > 0 GROUP BY t.domain, t.name`;
    return (await this.#database.prepare(query).all<TrunkFaults>()).results;
  }
}
