import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { cached } from "./cache.ts";
import { startRuntime } from "./runtime.ts";
import type { WorkerDescription } from "./worker-description.ts";

/** All that can change the tables, and the file that has them. */
const sources = ["migrations/*.sql", "wrangler.toml", "package-lock.json", "test/support/migrated-directory.ts"];
const folder = "d1/miniflare-D1DatabaseObject";

/**
 * What D1 has stored when all of migrations/ have been applied: files in base64, by their paths. To apply them takes a quarter of a second,
 * and many tests start a server.
 */
export async function migratedDirectory(description: WorkerDescription): Promise<Readonly<Record<string, string>>> {
  return JSON.parse(await cached("directory.json", sources, () => migrate(description))) as Record<string, string>;
}

async function migrate({ worker, migrations }: WorkerDescription): Promise<string> {
  const { compatibilityDate = "", d1Databases = {} } = worker;
  const script = "export default {};";
  const runtime = await startRuntime({ name: "migrations", modules: true, script, compatibilityDate, d1Databases });
  try {
    const database = await runtime.miniflare().getD1Database("DIRECTORY");
    // In the order of their numbers.
    for (const statements of migrations) await database.batch(statements.map((statement) => database.prepare(statement)));
    await runtime.miniflare().dispose();
    return JSON.stringify(filesIn(runtime.storage));
  } finally {
    await runtime.stop();
  }
}

function filesIn(storage: string): Record<string, string> {
  const files = readdirSync(join(storage, folder)).filter((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
  return Object.fromEntries(files.map((name) => [join(folder, name), whole(join(storage, folder, name))]));
}

/** The file with what was in its journal. */
function whole(file: string): string {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode = DELETE");
  database.close();
  return readFileSync(file, "base64");
}
