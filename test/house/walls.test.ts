import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

/** What a file imports: paths from the root of the repository, or names of packages. */
function importsOf(file: string, ignored = /(?!)/g): string[] {
  const source = readFileSync(file, "utf8").replaceAll(ignored, "");
  const written = [...source.matchAll(/(?:from|import) "([^"]+)"/g)].map(([, path = ""]) => path);
  return written.map((path) => (path.startsWith(".") ? join(dirname(file), path) : path));
}

/** The imports of these files that none of these patterns allows. */
function strayImports(glob: string, ...allowed: readonly RegExp[]): string[] {
  const files = globSync(glob.endsWith(".ts") ? glob : `${glob}/**/*.ts`);
  expect(files.length).toBeGreaterThan(0);
  return files.flatMap((file) =>
    importsOf(file)
      .filter((path) => !allowed.some((pattern) => pattern.test(path)))
      .map((path) => `${file} imports ${path}`),
  );
}

/** The folders of lib: each imports only those of a lower rank; those of rank 1 each other too, without a circle (import/no-cycle). */
const ranks: Readonly<Record<string, number>> = {
  syntax: 0,
  ...{ transport: 1, authentication: 1, location: 1, uas: 1, push: 1, media: 1 },
  routing: 2,
  stir: 3,
  // Cores never import one another.
  ...{ registrar: 4, proxy: 4, redirect: 4, presence: 4, "web-hooks": 4, ice: 4 },
  server: 5,
};

describe("the walls (ARCHITECTURE.md)", () => {
  it("lib knows nothing but itself, a reader of XML, and a hash", () => {
    expect(strayImports("lib", /^lib\//, /^@(?:xmldom\/xmldom$|noble\/hashes\/)/)).toEqual([]);
  });

  it("lib has no clock, no chance, nothing to wait for, and no types to cheat with", () => {
    const sources = globSync("lib/**/*.ts").map(
      (file) => [file, readFileSync(file, "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, "")] as const,
    );
    const cheats = /\b(?:async|await|Promise|setTimeout|Date\.now|new Date\(\)|Math\.random|crypto\.|console|process|fetch\()/;
    expect(sources.filter(([, source]) => cheats.test(source)).map(([file]) => file)).toEqual([]);
    expect(JSON.parse(readFileSync("lib/tsconfig.json", "utf8"))).toMatchObject({ compilerOptions: { types: [] } });
  });

  it.each(Object.entries(ranks))("lib/%s imports only what is below it", (folder, rank) => {
    const below = Object.keys(ranks).filter((other) => (ranks[other] ?? 0) < rank || (rank === 1 && ranks[other] === 1));
    expect(
      strayImports(`lib/${folder}`, new RegExp(`^lib/(?:${[folder, ...below].join("|")})/`), /^@(?:xmldom\/xmldom$|noble\/hashes\/)/),
    ).toEqual([]);
  });

  it("every folder of lib has its rank", () => {
    const folders = globSync("lib/*/").map((path) => path.replace(/^lib\/|\/$/g, ""));
    expect(folders.filter((folder) => !folder.includes(".")).sort()).toEqual(Object.keys(ranks).sort());
  });

  it("homes know no clock but those that the simulated world has, and wait for no other thread", () => {
    const strange = /\b(?:performance\.|setImmediate|scheduler\.|new Date\(\)|crypto\.subtle|node:timers|node:worker_threads)/;
    const files = globSync("{durable-objects,platform,workers}/**/*.ts");
    expect(files.filter((file) => strange.test(readFileSync(file, "utf8")))).toEqual([]);
    const waiting = files.filter((file) => readFileSync(file, "utf8").includes("AbortSignal.timeout"));
    expect(waiting).toEqual(["platform/dns/resolver.ts"]);
  });

  it("the platform knows nothing above it", () => {
    expect(strayImports("platform", /^(?:lib|platform)\//, /^(?!lib|platform|durable-objects|workers|web)/)).toEqual([]);
  });

  it("objects know nothing of the Workers", () => {
    expect(strayImports("durable-objects", /^(?!workers\/|web\/)/)).toEqual([]);
  });

  it("nobody imports what is in the folder of an object, but the object itself", () => {
    const objects = globSync("durable-objects/*.ts").map((path) => path.replace(/^.*\/|\.ts$/g, ""));
    for (const object of objects) {
      const others = [
        ...objects.filter((other) => other !== object).map((other) => `durable-objects/${other}/**/*.ts`),
        "durable-objects/shared/**/*.ts",
        "platform/**/*.ts",
        "workers/**/*.ts",
      ];
      const files = others.flatMap((glob) => globSync(glob));
      const stray = files.flatMap((file) =>
        importsOf(file)
          .filter((path) => path.startsWith(`durable-objects/${object}/`))
          .map((path) => `${file} imports ${path}`),
      );
      expect(stray).toEqual([]);
    }
  });

  it("only the directory asks D1", () => {
    const files = globSync("{durable-objects,platform,workers}/**/*.ts").filter((file) =>
      /\.prepare\(|\.batch\(/.test(readFileSync(file, "utf8")),
    );
    expect(files.filter((file) => !file.startsWith("platform/directory/"))).toEqual([]);
  });

  it("the pages know nothing of the server but types of lib, of which nothing is left in the pages", () => {
    const typesOfLib = /^import type \{[^}]*\} from "(?:\.\.\/)+lib\/[^"]+";$/gm;
    const files = globSync("web/**/*.{ts,tsx}");
    expect(files.some((file) => file.endsWith(".tsx"))).toBe(true);
    const stray = files.flatMap((file) =>
      importsOf(file, typesOfLib).filter((path) => !/^(?:web\/|jssip|preact|wouter-preact|uplot)/.test(path)),
    );
    expect(stray).toEqual([]);
  });
});
