import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { numberSettings } from "../../platform/configuration.ts";

const tests = globSync("test/{scenarios,wire,rooms,browser}/**/*.ts").map((file) => readFileSync(file, "utf8"));
const values = tests
  .flatMap((source) => [...source.matchAll(/\bsetting\(\s*"([A-Z_]+)",\s*([\d._]+),\s*([\d._]+),/g)])
  .map(([, name = "", small = "", large = ""]) => [name, Number(small.replaceAll("_", "")), Number(large.replaceAll("_", ""))] as const);

/** The settings that the server reads, as its type lists them. */
const names = [...readFileSync("platform/configuration.ts", "utf8").matchAll(/^ {2}readonly ([A-Z_]+)\?: string;$/gm)].map(
  ([, name = ""]) => name,
);

describe("every setting that is a number has a test at a small and at a large value", () => {
  it.each(Object.entries(numberSettings))("%s", (name, [fallback, least, most]) => {
    const [found, ...others] = values.filter(([tested]) => tested === name);
    expect([found?.[0], others]).toEqual([name, []]);
    const [, small = Number.NaN, large = Number.NaN] = found ?? [];
    // What is off by default has no smaller value.
    expect(small < fallback || fallback === least).toBe(true);
    expect([small >= least, large > fallback, large > small, large <= most]).toEqual([true, true, true, true]);
  });
});

describe("every other setting is set by a test of what the server does", () => {
  it("they are found", () => {
    expect(names).toEqual(expect.arrayContaining([...Object.keys(numberSettings), "PUBLIC_HOST", "LOGGING"]));
  });

  it.each(names.filter((name) => !(name in numberSettings)))("%s", (name) => {
    expect(tests.some((source) => new RegExp(`\\b${name}\\b["\\]]?\\s*[:=]`).test(source))).toBe(true);
  });
});
