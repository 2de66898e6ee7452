import { describe, expect, it } from "vitest";
import { citations, citationsIn } from "../support/citations.ts";
import sections from "../support/rfc-sections.json" with { type: "json" };

/** The section numbers of each RFC that is cited, as its text has them; null where they are not at hand. */
const known: Readonly<Record<string, string | null>> = sections;

describe("citations", () => {
  const all = citations();

  it("are found", () => {
    expect(all.length).toBeGreaterThan(1000);
  });

  it("are of RFCs that the list of sections has", () => {
    expect([...new Set(all.map(({ rfc }) => rfc))].filter((rfc) => known[rfc] === undefined)).toEqual([]);
  });

  it("are of sections that exist", () => {
    const wrong = all.filter(({ rfc, section }) => known[rfc]?.split(" ").includes(section) === false);
    expect(wrong.map(({ rfc, section, file, line }) => `${file}:${line} RFC ${rfc} §${section}`)).toEqual([]);
  });

  it("name nothing that is cited no more", () => {
    const cited = new Set(all.map(({ rfc }) => rfc));
    expect(Object.keys(known).filter((rfc) => !cited.has(rfc))).toEqual([]);
  });

  it.each([
    ["RFC 3261 §16.4", ["3261 16.4"]],
    ["(RFC 3261 §16.6 step 4, §16.7 step 8, RFC 3608 §6.1)", ["3261 16.6", "3261 16.7", "3608 6.1"]],
    ["RFC 3261 §16.3 to §16.5, then what §9 of the plan says", ["3261 16.3", "3261 16.5"]],
    ["RFC 3856 §6.4 and §6.7, RFC 3857 §4.4", ["3856 6.4", "3856 6.7", "3857 4.4"]],
    ["RFC 5626 §B.1. RFC 3261", ["5626 B.1"]],
    ["RFC 3261, §16", []],
  ])("in %j are read", (text, expected) => {
    expect(citationsIn(text).map(({ rfc, section }) => `${rfc} ${section}`)).toEqual(expected);
  });
});
