import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { conformancePages, deviations, firstPage, folder, rfcOf, rfcStates, topics } from "../../scripts/conformance-pages.ts";

const claims = topics().flatMap((topic) => topic.claims);

describe("the claims in conformance/", () => {
  it("are made", () => {
    expect(claims.length).toBeGreaterThan(30);
  });

  it.each(claims)("$claim", ({ file, test }) => {
    expect(existsSync(file)).toBe(true);
    const [path = "", title = ""] = test.split(" › ");
    expect(existsSync(path)).toBe(true);
    const source = readFileSync(path, "utf8").replaceAll('\\"', '"');
    expect(title).not.toBe("");
    expect(source.includes(title) || `${path} has no test "${title}"`).toBe(true);
    expect(source).not.toMatch(/\b(?:it|test|describe)\.(?:skip|todo|only)\(/);
  });

  it("have these members only, and a text in each", () => {
    const known = ["claim", "rfc", "file", "test", "limit"];
    const wrong = claims.filter(
      (one) => Object.entries(one).some(([name, value]) => !known.includes(name) || value === "") || !Array.isArray(one.rfc),
    );
    expect(wrong).toEqual([]);
  });

  it("are made once", () => {
    const made = claims.map(({ claim, test }) => `${claim} ${test}`);
    expect(made.filter((one, index) => made.indexOf(one) !== index)).toEqual([]);
  });

  it("cite each RFC once, with its sections", () => {
    const isWritten = (cited: string) => rfcOf(cited) === undefined || /^RFC \d+(?: §[^§;]+(?:, §[^§;]+)*)?$/.test(cited);
    expect(claims.flatMap(({ rfc }) => rfc).filter((cited) => !isWritten(cited) || /RFC \d.*RFC \d/.test(cited))).toEqual([]);
    const twice = claims.filter(({ rfc }) => new Set(rfc.map(rfcOf)).size < rfc.length);
    expect(twice).toEqual([]);
  });
});

describe("what is said of each RFC", () => {
  const states = rfcStates();

  it("is said of those that claims cite, and of no others", () => {
    const cited = new Set(claims.flatMap(({ rfc }) => rfc.flatMap((one) => rfcOf(one) ?? [])));
    expect(Object.keys(states).sort()).toEqual([...cited].sort());
  });

  it.each(Object.entries(states))("%s", (_rfc, { title, state, leftOut }) => {
    expect(title).not.toBe("");
    expect(["complete", "partial", "as needed"]).toContain(state);
    // What is not complete leaves something out.
    expect(state === "complete" || (leftOut ?? "") !== "").toBe(true);
  });
});

describe("the deviations", () => {
  it("are those that the code owns up to, and no others", () => {
    const sources = globSync("{lib,platform,durable-objects,workers,web}/**/*.ts");
    const found = sources.flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/DEVIATION\((RFC [^)]*)\)/g)].map(([, name]) => `${name} ${file}`),
    );
    expect(found.sort()).toEqual(
      deviations()
        .map(({ rfc, file }) => `${rfc} ${file}`)
        .sort(),
    );
  });
});

describe("the pages", () => {
  const pages = conformancePages();

  it("are those that `npm run conformance` makes, and no others", () => {
    expect([firstPage, ...globSync(`${folder}/*.md`)].sort()).toEqual([...pages.keys()].sort());
  });

  it.each([...pages])("%s is as `npm run conformance` makes it", (path, text) => {
    expect(readFileSync(path, "utf8") === text || `${path} is not: run npm run conformance`).toBe(true);
  });
});
