import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { type Schema, Sql } from "../../../platform/sql.ts";
import { SimulatedSql } from "../world/database.ts";

const tables = {
  bindings: "CREATE TABLE IF NOT EXISTS bindings (key TEXT PRIMARY KEY)",
  messages: "CREATE TABLE IF NOT EXISTS messages (text TEXT)",
};
const second = () => ["ALTER TABLE bindings ADD COLUMN lease INTEGER NOT NULL DEFAULT 7"];
const third = (has: (table: string) => boolean) => (has("messages") ? ["DELETE FROM messages"] : []);
const first: Schema = { tables, migrations: [] };
const last = () => ["DELETE FROM messages"];
const newer: Schema = {
  tables: { ...tables, bindings: "CREATE TABLE IF NOT EXISTS bindings (key TEXT PRIMARY KEY, lease INTEGER NOT NULL)" },
  migrations: [second],
};
const newest: Schema = { ...newer, migrations: [second, third] };

/** The storage of one home, which builds with these schemas open one after the other. */
function openedBy(storage: SimulatedSql, schema: Schema): Sql {
  return new Sql(storage as unknown as SqlStorage, schema);
}

function namesIn(storage: SimulatedSql): unknown[] {
  return storage
    .exec("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .toArray()
    .map((row) => (row as { readonly name: string }).name);
}

it("a home has the tables that were written, and no other", () => {
  const storage = new SimulatedSql();
  openedBy(storage, newest).run("INSERT INTO bindings (key, lease) VALUES ('a', 1)");
  expect(namesIn(storage)).toEqual(["bindings"]);
});

it("a home of this build is not migrated when it wakes up", () => {
  const storage = new SimulatedSql();
  openedBy(storage, newest).run("INSERT INTO messages (text) VALUES ('kept')");
  const woken = openedBy(storage, newest);
  expect(woken.all("SELECT text FROM messages")).toEqual([{ text: "kept" }]);
  woken.run("INSERT INTO bindings (key, lease) VALUES ('a', 1)");
  expect(openedBy(storage, newest).all("SELECT key FROM bindings")).toEqual([{ key: "a" }]);
});

it("a home of an older build is migrated once from the version in which its tables were made", () => {
  const storage = new SimulatedSql();
  storage.exec("CREATE TABLE bindings (key TEXT PRIMARY KEY)");
  storage.exec("INSERT INTO bindings VALUES ('of the first release')");
  expect(openedBy(storage, newer).all("SELECT lease FROM bindings")).toEqual([{ lease: 7 }]);
  openedBy(storage, newer).run("INSERT INTO messages (text) VALUES ('kept by the second')");
  expect(openedBy(storage, newer).all("SELECT text FROM messages")).toHaveLength(1);
  expect(openedBy(storage, newest).all("SELECT text FROM messages")).toEqual([]);
  openedBy(storage, newest).run("INSERT INTO messages (text) VALUES ('kept by the third')");
  expect(openedBy(storage, newest).all("SELECT text FROM messages")).toHaveLength(1);
  expect(openedBy(storage, newest).all("SELECT lease FROM bindings")).toEqual([{ lease: 7 }]);
});

it("a home whose tables were all made by a later build than the first begins at that version", () => {
  const storage = new SimulatedSql();
  openedBy(storage, newer).run("INSERT INTO bindings (key, lease) VALUES ('a', 1)");
  openedBy(storage, newer).run("INSERT INTO messages (text) VALUES ('goes')");
  expect(openedBy(storage, newest).all("SELECT key, lease FROM bindings")).toEqual([{ key: "a", lease: 1 }]);
  expect(openedBy(storage, newest).all("SELECT text FROM messages")).toEqual([]);
});

it("a table of the first release says nothing of a version", () => {
  const storage = new SimulatedSql();
  openedBy(storage, first).run("INSERT INTO messages (text) VALUES ('goes')");
  expect(openedBy(storage, { tables, migrations: [last] }).all("SELECT text FROM messages")).toEqual([]);
});

it("SQLite keeps the comment that says a table's version", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE IF NOT EXISTS one (/* schema 3 */ key TEXT)");
  expect(database.prepare("SELECT sql FROM sqlite_master").get()).toEqual({ sql: "CREATE TABLE one (/* schema 3 */ key TEXT)" });
});
