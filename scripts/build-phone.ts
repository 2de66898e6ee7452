import { execFileSync } from "node:child_process";
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { bundled } from "./build-web.ts";

const [source, output] = ["web/phone", "dist/phone"];

/** Builds the package `@offhook/phone` into `dist/phone`: two modules with JsSIP in them, and the declarations of their types. */
async function buildPhone(): Promise<void> {
  rmSync(output, { recursive: true, force: true });
  const entryPoints = { index: `${source}/index.ts`, element: `${source}/element/element.ts` };
  await build({ ...bundled, entryPoints, outdir: output, format: "esm" });
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", source]);
  // Node and bundlers look for the declarations by the names of modules.
  for (const file of globSync(`${output}/types/**/*.d.ts`))
    writeFileSync(file, readFileSync(file, "utf8").replace(/(from "\.[^"]*|import\("\.[^"]*)\.tsx?"/g, '$1.js"'));
  cpSync(`${source}/package.json`, `${output}/package.json`);
  cpSync("docs/phone-component.md", `${output}/README.md`);
}

await buildPhone();
