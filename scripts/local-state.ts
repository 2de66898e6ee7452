import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, readdirSync } from "node:fs";
import type { D1Database } from "@cloudflare/workers-types";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_readConfig } from "wrangler";

/** The accounts of local development. They exist in this machine's storage and nowhere else. */
export const demo = { domain: "localhost", usernames: ["alice", "bob", "carol"], password: "offhook" } as const;

/** Settings of local development: a copy that git ignores and no deployment reads. */
export function ensureLocalSettings(): void {
  if (!existsSync(".dev.vars")) copyFileSync(".dev.vars.example", ".dev.vars");
}

/** Where `wrangler dev` keeps its storage. */
const statePath = ".wrangler/state/v3";

/** Brings the D1 database that `wrangler dev` uses up to date, and makes the demo accounts in it. */
export async function prepareLocalState(): Promise<void> {
  const [binding] = unstable_readConfig({ config: "wrangler.toml" }).d1_databases;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default {}",
      d1Databases: { DIRECTORY: binding?.database_id ?? "" },
      resourcePersistencePath: statePath,
    }),
  );
  try {
    const database = (await miniflare.getD1Database("DIRECTORY")) as unknown as D1Database;
    await migrate(database);
    await seed(database);
  } finally {
    await miniflare.dispose();
  }
}

/** Applies what is new in `migrations/`, remembered in the table that `wrangler d1 migrations` uses. */
async function migrate(database: D1Database): Promise<void> {
  await database
    .prepare(
      "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )
    .run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map((row) => row.name));
  for (const name of readdirSync("migrations")
    .sort()
    .filter((file) => file.endsWith(".sql") && !applied.has(file))) {
    const statements = statementsOf(readFileSync(`migrations/${name}`, "utf8"));
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
}

function statementsOf(sql: string): string[] {
  const code = sql.replace(/--.*$/gm, "");
  return code
    .split(";")
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

async function seed(database: D1Database): Promise<void> {
  const { domain, usernames, password } = demo;
  const now = Date.now();
  const hash = (algorithm: string, username: string) => createHash(algorithm).update(`${username}:${domain}:${password}`).digest("hex");
  await database.batch([
    database.prepare("INSERT OR IGNORE INTO domains (name, created_at) VALUES (?, ?)").bind(domain, now),
    ...usernames.map((username) =>
      database
        .prepare(
          `INSERT OR IGNORE INTO subscribers (domain, username, md5, sha256, aliases, generation, version, created_at, updated_at)
           VALUES (?, ?, ?, ?, '[]', 1, 1, ?, ?)`,
        )
        .bind(domain, username, hash("md5", username), hash("sha256", username), now, now),
    ),
    // The name of a user is taken, as an alias is.
    ...usernames.map((username) =>
      database.prepare("INSERT OR IGNORE INTO aliases (domain, alias, username) VALUES (?, ?, ?)").bind(domain, username, username),
    ),
  ]);
}
