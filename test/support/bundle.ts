import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Plugin, build } from "esbuild";

const root = join(import.meta.dirname, "../..");
const cache = join(root, "node_modules/.cache/offhook");
/** All that can change a bundle. */
const sources = ["workers", "durable-objects", "platform", "lib", "bench/floor", "test/support/bundle.ts", "package-lock.json"];

/** Bundles a Worker's entry as wrangler does it. Many test files start a server: they share one bundle as long as no source changes. */
export async function bundle(entry: string): Promise<string> {
  const file = join(cache, `${stateOf(entry)}.js`);
  if (existsSync(file)) return readFileSync(file, "utf8");
  const text = await bundled(entry);
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) if (isOld(join(cache, name))) rmSync(join(cache, name), { force: true });
  const own = `${file}.${process.pid}`;
  writeFileSync(own, text);
  renameSync(own, file);
  return text;
}

/** Of a day when the sources were others. */
function isOld(file: string): boolean {
  return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY) > 86_400_000;
}

/** A name for the present state of the sources. */
function stateOf(entry: string): string {
  const files = sources.flatMap((path) => globSync(join(root, path.includes(".") ? path : `${path}/**/*.ts`)));
  const states = [entry, ...files.toSorted()].map((file) => [file, statSync(file).mtimeMs, statSync(file).size].join(" "));
  return createHash("sha256").update(states.join("\n")).digest("hex");
}

/** One ES module, platform modules left outside. */
async function bundled(entry: string): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    external: ["cloudflare:*", "node:*"],
    keepNames: false,
    plugins: [nodeModules],
    logLevel: "error",
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`${entry} was bundled to nothing`);
  return file.text;
}

/** A library in the old module format that asks for a module of Node gets the platform's, as with wrangler. */
const nodeModules: Plugin = {
  name: "node-modules",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^buffer$/ }, ({ path }) => ({ path, namespace: "node-module" }));
    onLoad({ filter: /.*/, namespace: "node-module" }, ({ path }) => ({ contents: `export * from "node:${path}";` }));
  },
};
