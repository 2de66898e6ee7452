import { globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { conformancePages, folder } from "./conformance-pages.ts";

/** `npm run conformance`: makes CONFORMANCE.md and the pages of docs/conformance/ of the files in conformance/. */
const pages = conformancePages();
mkdirSync(folder, { recursive: true });
for (const path of globSync(`${folder}/*.md`)) if (!pages.has(path)) rmSync(path);
for (const [path, text] of pages) writeFileSync(path, text);
console.log(`${pages.size} pages`);
