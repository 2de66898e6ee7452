import { join, relative, sep } from "node:path";
import { type Plugin, build } from "esbuild";
import { cached } from "./cache.ts";

const root = join(import.meta.dirname, "../..");

/** All that can change a bundle. */
const sources = ["workers", "durable-objects", "platform", "lib", "bench/floor", "test/support/bundle.ts", "package-lock.json"];

/** Bundles a Worker's entry as wrangler does it. Many test files start a server: they share one bundle. */
export function bundle(entry: string): Promise<string> {
  const name = relative(root, entry).replaceAll(sep, "-");
  return cached(`${name}.js`, sources, () => bundled(entry));
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
