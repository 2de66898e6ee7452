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
    const made = this.#tables();
    if (!made.has(versionTable)) this.#writeVersion();
    this.#sql.exec(statement);
    made.add(table);
  }

  #tables(): Set<string> {
    this.#made ??= this.#open();
    return this.#made;
  }

  /** Reads which tables exist; those of an older build are migrated before they are read. */
  #open(): Set<string> {
    const names = this.#names();
    const version = names.has(versionTable) ? this.#readVersion() : 1;
    const isNew = !Object.keys(this.#schema.tables).some((table) => names.has(table)) && names.size === 0;
    const pending = isNew ? [] : this.#schema.migrations.slice(version - 1);
    if (pending.length === 0) return names;
    for (const migration of pending) {
      const there = this.#names();
      for (const statement of migration((table) => there.has(table))) this.#sql.exec(statement);
    }
    this.#writeVersion();
    return this.#names();
  }

  #names(): Set<string> {
    const rows = this.#sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
    return new Set(rows.map(({ name }) => name).filter((name) => !/^(?:_|sqlite_)/.test(name)));
  }

  #readVersion(): number {
    return this.#sql.exec<{ version: number }>(`SELECT version FROM ${versionTable}`).toArray()[0]?.version ?? 1;
  }

  #writeVersion(): void {
    const version = this.#schema.migrations.length + 1;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS ${versionTable} (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL)`);
    this.#sql.exec(`INSERT OR REPLACE INTO ${versionTable} (only, version) VALUES (1, ${version})`);
    this.#made?.add(versionTable);
  }
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
