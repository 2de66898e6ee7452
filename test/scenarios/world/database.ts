import { schema } from "../../../durable-objects/address-of-record/schema.ts";
import { readFileSync, readdirSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

type Values = readonly SQLInputValue[];

/** The SQL of one simulated object: it outlives every loss. */
export class SimulatedSql {
  readonly #database = new DatabaseSync(":memory:");
  /** Rows written by the object since it was made. */
  written = 0;

  /** All rows of a table, perhaps with a condition; none if the object has not made it. */
  rows(table: string): unknown[] {
    const [name = ""] = table.split(" ", 1);
    if (!Object.hasOwn(schema.tables, name)) throw new Error(`homes have no table ${name}`);
    const isThere = this.#database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(name) !== undefined;
    return isThere ? this.#database.prepare(`SELECT * FROM ${table}`).all() : [];
  }

  exec(query: string, ...values: Values): { readonly rowsWritten: number; toArray(): unknown[] } {
    if (query.includes(";")) {
      this.#database.exec(query);
      return { rowsWritten: 0, toArray: () => [] };
    }
    const statement = this.#database.prepare(query);
    if (/^\s*SELECT/i.test(query)) {
      const rows = statement.all(...values);
      return { rowsWritten: 0, toArray: () => rows };
    }
    const changes = Number(statement.run(...values).changes);
    // SQLite tells of statements about tables what the last one about rows has changed.
    const rowsWritten = /^\s*(?:CREATE|ALTER|DROP)/i.test(query) ? 0 : changes;
    this.written += rowsWritten;
    return { rowsWritten, toArray: () => [] };
  }
}

/** A D1 database with the migrations applied. */
export function simulatedDirectory(): SimulatedDirectory {
  const database = new DatabaseSync(":memory:");
  for (const file of readdirSync("migrations").sort()) database.exec(readFileSync(`migrations/${file}`, "utf8"));
  const prepare = (query: string, values: Values = []): unknown => ({
    bind: (...bound: Values) => prepare(query, bound),
    first: async () => answer(query).get(...values) ?? null,
    all: async () => ({ results: answer(query).all(...values) }),
    run: async () => ({ meta: { changes: Number(answer(query).run(...values).changes) } }),
  });
  const batch = async (statements: readonly D1PreparedStatement[]) => Promise.all(statements.map((statement) => statement.run()));
  const answer = (query: string) => {
    if (directory.isDown) throw new Error("the database is down");
    return database.prepare(query);
  };
  const directory: SimulatedDirectory = {
    database: { prepare, batch } as unknown as D1Database,
    isDown: false,
    run: (query, ...values) => void database.prepare(query).run(...values),
    rows: (query, ...values) => database.prepare(query).all(...values),
  };
  return directory;
}

export interface SimulatedDirectory {
  readonly database: D1Database;
  /** Whether it answers nobody. */
  isDown: boolean;
  run(query: string, ...values: Values): void;
  rows(query: string, ...values: Values): readonly Record<string, unknown>[];
}
