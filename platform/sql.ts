/** The tables of a home, made when somebody has authenticated there and not before. */
const schema = [
  "CREATE TABLE IF NOT EXISTS subscriber (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, value TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS bindings (key TEXT PRIMARY KEY, lease INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
  `CREATE TABLE IF NOT EXISTS contexts (name TEXT PRIMARY KEY, due INTEGER NOT NULL, finished INTEGER NOT NULL,
    state TEXT NOT NULL, request TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS calls (name TEXT PRIMARY KEY, phone TEXT NOT NULL, registration TEXT NOT NULL,
    since INTEGER NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS unattended_calls (name TEXT PRIMARY KEY, due INTEGER NOT NULL, until INTEGER NOT NULL, home TEXT NOT NULL,
    phone TEXT NOT NULL, at INTEGER NOT NULL, forgetful INTEGER NOT NULL, contact TEXT NOT NULL) WITHOUT ROWID`,
  "CREATE TABLE IF NOT EXISTS messages (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, due INTEGER NOT NULL, value TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS subscriptions (id TEXT PRIMARY KEY, due INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS publications (id TEXT PRIMARY KEY, due INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS told (event TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS away (phone TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS waiting (watcher TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS list_subscriptions (id TEXT PRIMARY KEY, due INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS back_ends (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS attachments (flow TEXT NOT NULL, slice TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (flow, slice)) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS letters (number INTEGER PRIMARY KEY, phone TEXT NOT NULL, due INTEGER NOT NULL, value TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS failed_calls (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, caller TEXT NOT NULL, value TEXT NOT NULL)",
] as const;

const tables = [
  ...["subscriber", "bindings", "contexts", "calls", "unattended_calls", "letters", "messages", "subscriptions", "publications", "told"],
  ...["away", "waiting", "list_subscriptions", "back_ends", "attachments", "failed_calls"],
];

type Value = string | number | null;

/** SQL of this object. Counts the rows it writes, which is what users pay for. */
export class Sql {
  readonly #sql: SqlStorage;
  #isOpen = false;
  #rowsWritten = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  all<Row extends Record<string, Value>>(query: string, ...values: readonly Value[]): Row[] {
    this.#open();
    return this.#sql.exec<Row>(query, ...values).toArray();
  }

  run(query: string, ...values: readonly Value[]): void {
    this.#open();
    this.#rowsWritten += this.#sql.exec(query, ...values).rowsWritten;
  }

  /** Rows written since this was last asked. */
  spent(): number {
    const rows = this.#rowsWritten;
    this.#rowsWritten = 0;
    return rows;
  }

  /** Forgets everything: the subscriber is gone. */
  clear(): void {
    for (const table of tables) this.run(`DELETE FROM ${table}`);
  }

  /** The whole storage was deleted, tables too. */
  wiped(): void {
    this.#isOpen = false;
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#sql.exec(schema.join(";"));
    this.#isOpen = true;
  }
}
