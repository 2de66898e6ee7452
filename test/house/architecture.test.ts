import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const page = readFileSync("ARCHITECTURE.md", "utf8");

/** The rows of the table under a heading, each by its cells. */
function tableUnder(heading: string): string[][] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const [text = ""] = section.split("\n## ");
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(1).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("ARCHITECTURE.md", () => {
  it("is two pages", () => {
    expect(page.split("\n").length).toBeLessThan(190);
  });

  it("has at most fifteen words of our own", () => {
    const words = tableUnder("Words").flatMap(([written = ""]) => written.split(", "));
    expect(words).toContain("home");
    expect(words.length).toBeLessThanOrEqual(15);
  });

  it("names folders that exist", () => {
    const folders = tableUnder("Layers").flatMap(([written = ""]) => [...written.matchAll(/`([\w/-]+)\/`/g)].map(([, name = ""]) => name));
    expect(folders.length).toBeGreaterThan(10);
    expect(folders.filter((name) => !existsSync(name) && !existsSync(`lib/${name}`))).toEqual([]);
  });

  it.each(["ARCHITECTURE.md", ...globSync("docs/design/*.md")])("%s names sources that exist", (file) => {
    const sources = globSync("{lib,platform,durable-objects,workers,web,test}/**/*.ts").map((source) => `/${source}`);
    const named = [...readFileSync(file, "utf8").matchAll(/[\w./-]+\.ts\b/g)].map(([name]) => name);
    expect(named.filter((name) => !sources.some((source) => source.endsWith(`/${name}`)))).toEqual([]);
  });
});
