import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const pages = [...globSync("*.md"), ...globSync("docs/**/*.md")];

/** The links of a page that lead to a file of ours, or to a heading. */
const linksOf = (page: string): string[] =>
  [...readFileSync(page, "utf8").matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));

/** Headings as GitHub names them in links. */
const headingsOf = (page: string): string[] =>
  [...readFileSync(page, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-"),
  );

describe("links between documents", () => {
  it.each(pages.filter((page) => linksOf(page).length > 0))("of %s lead somewhere", (page) => {
    const dead = linksOf(page).filter((target) => {
      const [file = "", heading] = target.split("#");
      const path = file === "" ? page : join(dirname(page), file);
      return !existsSync(path) || (heading !== undefined && !headingsOf(path).includes(heading));
    });
    expect(dead).toEqual([]);
  });

  it.each([
    ["README.md", "docs/*.md"],
    ["ARCHITECTURE.md", "docs/design/*.md"],
  ])("lead from %s to every page of %s", (page, glob) => {
    const linked = linksOf(page).map((target) => target.split("#")[0]);
    expect(globSync(glob).length).toBeGreaterThan(0);
    expect(globSync(glob).filter((other) => !linked.includes(other))).toEqual([]);
  });
});

describe("the costs in docs/operations.md", () => {
  const rows = readFileSync("docs/operations.md", "utf8")
    .split("\n")
    .filter((line) => /^\| .*\d M \|$/.test(line) || line.startsWith("| **sum**") || line.startsWith("| **dollars**"))
    .map((line) =>
      line
        .split("|")
        .slice(3, 6)
        .map((cell) => Number(cell.replace(/[* M]/g, ""))),
    );
  const [dollars = [], sums = [], ...work] = rows.toReversed();

  it("are the sums of their rows, at the prices that are said", () => {
    expect(work).toHaveLength(4);
    for (const column of [0, 1, 2]) {
      const sum = work.reduce((total, row) => total + (row[column] ?? Number.NaN), 0);
      expect(sums[column]).toBeCloseTo(sum, 2);
      expect(dollars[column]).toBeCloseTo(sum * ([1, 0.15, 0.0075][column] ?? 0), 2);
    }
  });

  it("are those of a call that the budgets allow: 5 rows, 1 for its record, and 6 messages between homes", () => {
    expect(work.at(-1)).toEqual([550_000 * 6, 550_000 * 7, 550_000 * 6].map((count) => count / 1_000_000));
  });
});
