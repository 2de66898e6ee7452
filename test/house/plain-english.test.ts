import { globSync, readFileSync } from "node:fs";
import { parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";
import { deviations, rfcStates, topics } from "../../scripts/conformance-pages.ts";

/** Words for which plain English has a noun: the user, they, no such user. */
const unclear = /\b(?:nobody|whoever|whomever|somebody|anybody|he|him|his|himself)\b/i;

const documents = ["README.md", "ARCHITECTURE.md", ...globSync("docs/*.md"), ...globSync("docs/design/*.md")];

describe("the documents are in plain English", () => {
  it.each(documents)("%s", (path) => {
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines.filter((line) => unclear.test(line))).toEqual([]);
  });

  it("the claims, whatever the titles of their tests are", () => {
    const claims = topics().flatMap((topic) => topic.claims.flatMap(({ claim, limit = "" }) => [claim, limit]));
    const others = [...deviations().map(({ reason }) => reason), ...Object.values(rfcStates()).map(({ leftOut = "" }) => leftOut)];
    expect([...claims, ...others].filter((text) => unclear.test(text))).toEqual([]);
  });
});

describe("the comments are in plain English", () => {
  it.each(["lib", "platform", "durable-objects", "workers", "web", "scripts"])("of %s", (folder) => {
    const files = globSync(`${folder}/**/*.ts`);
    const found = files.flatMap((file) =>
      commentsOf(file)
        .filter((comment) => unclear.test(comment))
        .map((comment) => `${file}: ${comment}`),
    );
    expect(files.length).toBeGreaterThan(3);
    expect(found).toEqual([]);
  });
});

function commentsOf(file: string): string[] {
  return parseSync(file, readFileSync(file, "utf8")).comments.map(({ value }) => value.trim());
}
