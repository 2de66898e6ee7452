import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = import.meta.dirname;

/** The packages that only the benchmarks need are installed when they are first needed: they are not in the product's manifest. */
export function ensureInstalled(): void {
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly dependencies: object };
  const missing = Object.keys(dependencies).filter((name) => !existsSync(join(folder, "node_modules", name, "package.json")));
  if (missing.length === 0) return;
  console.log(`Installing what only the benchmarks need, once, in bench/node_modules: ${missing.join(", ")}`);
  const { status } = spawnSync("npm", ["ci"], { cwd: folder, stdio: "inherit" });
  if (status === 0) return;
  console.error("They could not be installed. Run this, and then again: npm ci --prefix bench");
  process.exit(1);
}
