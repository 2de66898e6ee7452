type Value = string | number | null;

/** The tables of a kind of object, and their migrations from older builds. */
export interface Schema {
  /** The statement that creates each table. A table is created when its first row is written. */
  readonly tables: Readonly<Record<string, string>>;
  /** The statements from each version to the next; the first from version 1, which had no number. */
  readonly migrations: readonly Migration[];
}

/** @param has whether there is a table of this name */
export type Migration = (has: (table: string) => boolean) => readonly string[];

/** A home that was migrated has a row with its version. Tables that were never migrated say it in their own statement. */
const versionTable = "schema_version";

/** SQL of this object. Counts the rows that it writes, because they are paid for. */
export class Sql {
  readonly #sql: SqlStorage;
  readonly #schema: Schema;
  /** The existing tables; undefined until they are first needed after the object woke up. */
  #made: Set<string> | undefined;
  #rowsWritten = 0;

  constructor(sql: SqlStorage, schema: Schema) {
    this.#sql = sql;
    this.#schema = schema;
  }

  /** Rows of a SELECT on one table; none if the table was never written. */
  all<Row extends Record<string, Value>>(query: string, ...values: readonly Value[]): Row[] {
    return this.#tables().has(tableOf(query)) ? this.#sql.exec<Row>(query, ...values).toArray() : [];
  }

  /** Changes rows of one table. */
  run(query: string, ...values: readonly Value[]): void {
    const table = tableOf(query);
    if (!this.#tables().has(table)) {
      if (!query.startsWith("INSERT")) return;
      this.#make(table);
    }
    this.#rowsWritten += this.#sql.exec(query, ...values).rowsWritten;
  }

  /** Rows written since the last call of this. */
  spent(): number {
    const rows = this.#rowsWritten;
    this.#rowsWritten = 0;
    return rows;
  }

  /** Deletes all rows: the subscriber is gone. */
  clear(): void {
    const made = this.#tables();
    for (const table of Object.keys(this.#schema.tables)) if (made.has(table)) this.run(`DELETE FROM ${table}`);
  }

  /** The whole storage was deleted, tables too. */
  wiped(): void {
    this.#made = undefined;
  }

  #make(table: string): void {
    const statement = this.#schema.tables[table];
    if (statement === undefined) throw new Error(`there is no table ${table} in the schema`);
    this.#tables().add(table);
    // SQLite keeps the comment: a table and a row for the version would cost every user a page.
    this.#sql.exec(statement.replace("(", `(/* schema ${this.#version} */ `));
  }

  #tables(): Set<string> {
    this.#made ??= this.#open();
    return this.#made;
  }

  get #version(): number {
    return this.#schema.migrations.length + 1;
  }

  /** Reads which tables exist; those of an older build are migrated before they are read. */
  #open(): Set<string> {
    const tables = this.#written();
    const names = new Set(tables.keys());
    if (names.size === 0) return names;
    const version = names.has(versionTable) ? this.#readVersion() : versionIn(tables.values());
    const pending = this.#schema.migrations.slice(version - 1);
    if (pending.length === 0) return names;
    for (const migration of pending) {
      const there = this.#written();
      for (const statement of migration((table) => there.has(table))) this.#sql.exec(statement);
    }
    this.#writeVersion();
    return new Set(this.#written().keys());
  }

  /** The statement of each table. */
  #written(): Map<string, string> {
    const rows = this.#sql.exec<{ name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'table'").toArray();
    return new Map(rows.filter(({ name }) => !/^(?:_|sqlite_)/.test(name)).map(({ name, sql }) => [name, sql]));
  }

  #readVersion(): number {
    return this.#sql.exec<{ version: number }>(`SELECT version FROM ${versionTable}`).toArray()[0]?.version ?? 1;
  }

  #writeVersion(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS ${versionTable} (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL)`);
    this.#sql.exec(`INSERT OR REPLACE INTO ${versionTable} (only, version) VALUES (1, ${this.#version})`);
  }
}

/** The version in which tables were made that were never migrated; 1 for those of the first release, which do not say it. */
function versionIn(statements: Iterable<string>): number {
  return Math.max(1, ...[...statements].map((statement) => Number(/\/\* schema (\d+) \*\//.exec(statement)?.[1] ?? 1)));
}

const known = new Map<string, string>();

/** The table of a statement: the first that it names. */
function tableOf(query: string): string {
  const before = known.get(query);
  if (before !== undefined) return before;
  const [, table = ""] = /\b(?:FROM|INTO|UPDATE)\s+(\w+)/.exec(query) ?? [];
  known.set(query, table);
  return table;
}
