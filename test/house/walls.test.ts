import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

/** What a file imports: paths from the root of the repository, or names of packages. */
function importsOf(file: string): string[] {
  const source = readFileSync(file, "utf8");
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

describe("the walls (ARCHITECTURE.md)", () => {
  it("lib knows nothing but itself, and a reader of XML", () => {
    expect(strayImports("lib", /^lib\//, /^@xmldom\/xmldom$/)).toEqual([]);
  });

  it("lib has no clock, no chance, nothing to wait for, and no types to cheat with", () => {
    const sources = globSync("lib/**/*.ts").map(
      (file) => [file, readFileSync(file, "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, "")] as const,
    );
    const cheats = /\b(?:async|await|Promise|setTimeout|Date\.now|new Date\(\)|Math\.random|crypto\.|console|process|fetch\()/;
    expect(sources.filter(([, source]) => cheats.test(source)).map(([file]) => file)).toEqual([]);
    expect(JSON.parse(readFileSync("lib/tsconfig.json", "utf8"))).toMatchObject({ compilerOptions: { types: [] } });
  });

  it.each(["registrar", "proxy", "presence"])("the core of the %s imports no other core", (core) => {
    const others = ["registrar", "proxy", "redirect", "presence"].filter((other) => other !== core);
    expect(strayImports(`lib/${core}`, new RegExp(`^(?!lib/(?:${others.join("|")})/)`))).toEqual([]);
  });

  it("homes know no clock but those that the simulated world has, and wait for no other thread", () => {
    const strange = /\b(?:performance\.|setImmediate|scheduler\.|new Date\(\)|crypto\.subtle|node:timers|node:worker_threads)/;
    const files = globSync("{durable-objects,workers}/**/*.ts");
    expect(files.filter((file) => strange.test(readFileSync(file, "utf8")))).toEqual([]);
    const waiting = files.filter((file) => readFileSync(file, "utf8").includes("AbortSignal.timeout"));
    expect(waiting).toEqual(["durable-objects/room/resolver.ts"]);
  });

  it("syntax is at the bottom", () => {
    expect(strayImports("lib/syntax", /^lib\/syntax\//)).toEqual([]);
  });

  it("homes know of the Workers only the directory, the configuration and the bindings", () => {
    expect(strayImports("durable-objects", /^(?!workers\/)/, /^workers\/(?:directory|configuration|environment)\.ts$/)).toEqual([]);
    const leaves = [/^lib\//, /^workers\/environment\.ts$/];
    expect(strayImports("workers/configuration.ts", ...leaves)).toEqual([]);
    // What opens the secrets of trunks, which the directory has; and what there is one of in an isolate.
    const keys = [/^workers\/configuration\.ts$/, /^durable-objects\/room\/(?:keyring|isolate)\.ts$/];
    expect(strayImports("workers/directory.ts", ...leaves, ...keys)).toEqual([]);
    expect(
      strayImports(
        "durable-objects/room/{keyring,siv,base64url,bytes,isolate}.ts",
        /^(?!workers\/|durable-objects\/(?!room\/(?:siv|base64url|bytes)\.ts$))/,
      ),
    ).toEqual([]);
  });

  it("the page knows nothing of the server", () => {
    expect(strayImports("web", /^web\//, /^jssip/)).toEqual([]);
  });
});
