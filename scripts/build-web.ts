import { cpSync, mkdirSync } from "node:fs";
import { type BuildOptions, build } from "esbuild";

const output = "dist/web";

/** What all scripts share. JsSIP is bundled into each. */
export const bundled: BuildOptions = {
  bundle: true,
  target: "es2022",
  minify: true,
  sourcemap: true,
  define: { global: "globalThis" },
  logLevel: "warning",
  jsx: "automatic",
  jsxImportSource: "preact",
};

/** Builds the softphone page, the console, the reference of the API, and the scripts of the call button and the phone, into `dist/web`, which the Worker serves as static assets. */
export async function buildWeb(): Promise<void> {
  for (const folder of ["console", "api/docs"]) mkdirSync(`${output}/${folder}`, { recursive: true });
  for (const file of ["index.html", "_headers"]) cpSync(`web/${file}`, `${output}/${file}`);
  cpSync("web/console/index.html", `${output}/console/index.html`);
  cpSync("web/reference/index.html", `${output}/api/docs/index.html`);
  for (const file of ["swagger-ui.css", "swagger-ui-bundle.js"])
    cpSync(`node_modules/swagger-ui-dist/${file}`, `${output}/api/docs/${file}`);
  await Promise.all([
    build({ ...bundled, entryPoints: ["web/styles.css"], outfile: `${output}/styles.css` }),
    build({ ...bundled, entryPoints: ["web/softphone.ts"], outfile: `${output}/softphone.js`, format: "esm" }),
    build({ ...bundled, entryPoints: ["web/reference/reference.ts"], outfile: `${output}/api/docs/reference.js`, format: "esm" }),
    // With its styles, as console.css.
    build({ ...bundled, entryPoints: ["web/console/main.tsx"], outfile: `${output}/console/console.js`, format: "esm" }),
    // Classic scripts: other pages include them, and they read the address that they came from.
    build({ ...bundled, entryPoints: ["web/button/offhook-call.ts"], outfile: `${output}/offhook-call.js`, format: "iife" }),
    build({ ...bundled, entryPoints: ["web/push/push-worker.ts"], outfile: `${output}/offhook-push.js`, format: "iife" }),
    build({ ...bundled, entryPoints: ["web/phone/element/element.ts"], outfile: `${output}/offhook-phone.js`, format: "iife" }),
  ]);
}

if (import.meta.main) await buildWeb();
