import { cpSync, mkdirSync } from "node:fs";
import { type BuildOptions, build } from "esbuild";

const output = "dist/web";

/** What both scripts share. JsSIP is bundled into each. */
const shared: BuildOptions = {
  bundle: true,
  target: "es2022",
  minify: true,
  sourcemap: true,
  define: { global: "globalThis" },
  logLevel: "warning",
};

/** Builds the softphone page, the console, the reference of the API, and the script of the call button, into `dist/web`, which the Worker serves as static assets. */
export async function buildWeb(): Promise<void> {
  for (const folder of ["console", "api/docs"]) mkdirSync(`${output}/${folder}`, { recursive: true });
  for (const file of ["index.html", "_headers"]) cpSync(`web/${file}`, `${output}/${file}`);
  cpSync("web/console/index.html", `${output}/console/index.html`);
  cpSync("web/reference/index.html", `${output}/api/docs/index.html`);
  for (const file of ["swagger-ui.css", "swagger-ui-bundle.js"])
    cpSync(`node_modules/swagger-ui-dist/${file}`, `${output}/api/docs/${file}`);
  await Promise.all([
    build({ ...shared, entryPoints: ["web/styles.css"], outfile: `${output}/styles.css` }),
    build({ ...shared, entryPoints: ["web/softphone.ts"], outfile: `${output}/softphone.js`, format: "esm" }),
    build({ ...shared, entryPoints: ["web/reference/reference.ts"], outfile: `${output}/api/docs/reference.js`, format: "esm" }),
    // With its styles, as console.css.
    build({
      ...shared,
      entryPoints: ["web/console/main.tsx"],
      outfile: `${output}/console/console.js`,
      format: "esm",
      jsx: "automatic",
      jsxImportSource: "preact",
    }),
    // A classic script: other pages include it, and it reads the address that it came from.
    build({ ...shared, entryPoints: ["web/button/offhook-call.ts"], outfile: `${output}/offhook-call.js`, format: "iife" }),
  ]);
}

if (import.meta.main) await buildWeb();
