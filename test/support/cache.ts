import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "node_modules/.cache/offhook");

/**
 * A text that many test files need and that takes long to make: made once, as long as none of its sources changes.
 * @param name of the text, with its extension
 * @param sources folders of TypeScript, and files, from the top of the repository
 */
export async function cached(name: string, sources: readonly string[], make: () => Promise<string>): Promise<string> {
  const file = join(folder, `${stateOf(name, sources)}-${name}`);
  if (existsSync(file)) return readFileSync(file, "utf8");
  const text = await make();
  mkdirSync(folder, { recursive: true });
  for (const other of readdirSync(folder)) if (isOld(join(folder, other))) rmSync(join(folder, other), { force: true });
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
function stateOf(name: string, sources: readonly string[]): string {
  const files = sources.flatMap((path) => globSync(join(root, path.includes(".") || path.includes("*") ? path : `${path}/**/*.ts`)));
  const states = [name, ...files.toSorted()].map((file) => [file, statOf(file)].join(" "));
  return createHash("sha256").update(states.join("\n")).digest("hex");
}

function statOf(file: string): string {
  const known = statSync(file, { throwIfNoEntry: false });
  return known === undefined ? "" : `${known.mtimeMs} ${known.size}`;
}
