import { cpSync, mkdirSync } from "node:fs";
import { build } from "esbuild";

const output = "dist/web";

/** Builds the softphone page into `dist/web`, which the Worker serves as static assets. */
export async function buildWeb(): Promise<void> {
  mkdirSync(output, { recursive: true });
  for (const file of ["index.html", "styles.css"]) cpSync(`web/${file}`, `${output}/${file}`);
  await build({
    entryPoints: ["web/softphone.ts"],
    outfile: `${output}/softphone.js`,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    sourcemap: true,
    define: { global: "globalThis" },
    logLevel: "warning",
  });
}

if (import.meta.main) await buildWeb();
