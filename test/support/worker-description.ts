import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { cached } from "./cache.ts";

const root = join(import.meta.dirname, "../..");

/** The Worker as wrangler.toml describes it, and the tables of its database. */
export interface WorkerDescription {
  readonly worker: V4WorkerOptions;
  /** The file of the entry. */
  readonly main: string;
  readonly vars: Readonly<Record<string, string>>;
  /** The statements of each file of migrations/, in the order of their numbers. */
  readonly migrations: readonly (readonly string[])[];
}

/** Wrangler itself takes longer to load than most test files last: its answer is kept. @param sipPort where SIP over TCP is taken */
export async function describeWorker(sipPort?: number): Promise<WorkerDescription> {
  if (sipPort !== undefined) return described(sipPort);
  const sources = ["wrangler.toml", "migrations/*.sql", "package-lock.json", "test/support/worker-description.ts", "dist/web/index.html"];
  return JSON.parse(await cached("worker.json", sources, async () => JSON.stringify(await described()))) as WorkerDescription;
}

async function described(sipPort?: number): Promise<WorkerDescription> {
  process.env["WRANGLER_LOG"] = "error";
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig, unstable_splitSqlQuery } = await import("wrangler");
  const config = unstable_readConfig({ config: join(root, "wrangler.toml") });
  if (sipPort !== undefined) config.connect = [{ protocol: "tcp", port: sipPort }];
  const { workerOptions, main } = unstable_getMiniflareWorkerOptions(config);
  if (main === undefined) throw new Error("wrangler.toml names no main");
  // Left out: `bindings`, which hold the developer's own .dev.vars too, and rules for modules, of which a bundle has none.
  const { assets, bindings: _, modulesRules: __, ...worker } = workerOptions as V4WorkerOptions;
  const isBuilt = existsSync(join(root, "dist/web"));
  const folder = join(root, "migrations");
  return {
    worker: { ...worker, ...(isBuilt && assets !== undefined ? { assets } : {}) } as V4WorkerOptions,
    main,
    vars: config.vars as Record<string, string>,
    migrations: readdirSync(folder)
      .sort()
      .map((file) => unstable_splitSqlQuery(readFileSync(join(folder, file), "utf8"))),
  };
}
