import { readFileSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";

const files = readdirSync("migrations").sort();
const apply = (database: DatabaseSync, names: readonly string[]) => {
  for (const name of names) database.exec(readFileSync(`migrations/${name}`, "utf8"));
};

describe("0008_names.sql, on the rows of an older version", () => {
  const database = new DatabaseSync(":memory:");
  const at = files.indexOf("0008_names.sql");
  apply(database, files.slice(0, at));
  const insert = database.prepare(
    "INSERT INTO subscribers (domain, username, md5, sha256, aliases, generation, version, created_at, updated_at) VALUES ('a.example', ?, ?, ?, ?, 1, 3, 0, 0)",
  );
  insert.run("jos%C3%A9", "m1", "s1", '["info","%E4%BD%A0%E5%A5%BD"]');
  insert.run("alice", "m2", "s2", '["+4930"]');
  database.exec(`INSERT INTO aliases VALUES ('a.example', 'jos%C3%A9', 'jos%C3%A9'), ('a.example', '%E4%BD%A0%E5%A5%BD', 'jos%C3%A9'), ('a.example', '+4930', 'alice');
    INSERT INTO deleted_subscribers VALUES ('a.example', 'gone%20one', 2, 9);
    INSERT INTO lists VALUES ('a.example', 'jos%C3%A9', 'friends', 1, '[]'), ('a.example', '', 'team', 1, '[]');`);
  apply(database, files.slice(at));
  const all = (query: string) =>
    database
      .prepare(query)
      .all()
      .map((row) => Object.values(row));

  it("names lose their escapes, and what was hashed is the escaped spelling's", () => {
    expect(all("SELECT username, md5, sha256, escaped_md5, escaped_sha256, aliases, version FROM subscribers ORDER BY username")).toEqual([
      ["alice", "m2", "s2", "", "", '["+4930"]', 3],
      ["josé", "", "", "m1", "s1", '["info","你好"]', 4],
    ]);
  });

  it("the other tables have the names too, and nothing is left over", () => {
    expect(all("SELECT alias, username FROM aliases ORDER BY alias")).toEqual([
      ["+4930", "alice"],
      ["josé", "josé"],
      ["你好", "josé"],
    ]);
    expect(all("SELECT username, generation, version FROM deleted_subscribers")).toEqual([["gone one", 2, 9]]);
    expect(all("SELECT owner, name FROM lists ORDER BY owner")).toEqual([
      ["", "team"],
      ["josé", "friends"],
    ]);
    expect(all("SELECT name FROM sqlite_master WHERE name LIKE 'unescaped%'")).toEqual([]);
  });
});
