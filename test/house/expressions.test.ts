import { globSync, readFileSync } from "node:fs";
import { Visitor, parseSync } from "oxc-parser";
import { checkSync } from "recheck";
import { describe, expect, test } from "vitest";
import { patience } from "../support/patience.ts";

/** The regular expressions that a source has as literals. */
function literalsOf(file: string): readonly { readonly pattern: string; readonly flags: string }[] {
  const found: { pattern: string; flags: string }[] = [];
  const visitor = new Visitor({
    Literal(node) {
      if ("regex" in node) found.push(node.regex);
    },
  });
  visitor.visit(parseSync(file, readFileSync(file, "utf8")).program);
  return found;
}

/** Those that lib/ builds when it is loaded; those of the reader of XML, which is loaded before, are not ours. */
async function builtOnes(): Promise<readonly { readonly pattern: string; readonly flags: string }[]> {
  const found: { pattern: string; flags: string }[] = [];
  const Original = RegExp;
  await import("@xmldom/xmldom");
  globalThis.RegExp = new Proxy(Original, {
    construct(target, [pattern, flags = ""]: [string, string?]) {
      if (isCalledFromLib(new Error("where it is built").stack)) found.push({ pattern, flags });
      return new target(pattern, flags);
    },
  });
  try {
    for (const file of globSync("lib/**/*.ts")) await import(/* @vite-ignore */ `../../${file}`);
  } finally {
    globalThis.RegExp = Original;
  }
  return found;
}

/** What loads the modules builds expressions too, meanwhile. */
function isCalledFromLib(stack = ""): boolean {
  const [, , caller = ""] = stack.split("\n");
  return caller.includes(`${process.cwd()}/lib/`);
}

/** What a text can make an expression do more than linear work with. */
function attackOn({ pattern, flags }: { readonly pattern: string; readonly flags: string }): string | undefined {
  const found = checkSync(pattern, flags, { timeout: patience, randomSeed: 1 });
  if (found.status === "safe") return undefined;
  return `/${pattern}/${flags} is ${found.status}${found.status === "vulnerable" ? `: ${found.attack.pattern}` : ""}`;
}

describe("no regular expression has repetitions that overlap, so that each does linear work at most", () => {
  const files = globSync("{lib,workers,durable-objects}/**/*.ts").filter((file) => literalsOf(file).length > 0);

  test.each(files)("%s", (file) => {
    expect(literalsOf(file).flatMap((literal) => attackOn(literal) ?? [])).toEqual([]);
  });

  test("those that are put together of texts", async () => {
    const built = await builtOnes();
    expect(built.length).toBeGreaterThan(5);
    expect(built.flatMap((one) => attackOn(one) ?? [])).toEqual([]);
  });
});
