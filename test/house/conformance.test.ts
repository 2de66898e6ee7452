import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const page = readFileSync("CONFORMANCE.md", "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| claim") && !line.startsWith("| deviation"))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const claims = rows.filter((cells) => cells.length === 5);
const deviations = rows.filter((cells) => cells.length === 3);

describe("CONFORMANCE.md", () => {
  it("makes claims", () => {
    expect(claims.length).toBeGreaterThan(30);
  });

  it.each(claims)("%s", (_claim, _rfc, file = "", evidence = "") => {
    expect(existsSync(file)).toBe(true);
    const [path = "", title = ""] = evidence.split(" › ");
    expect(existsSync(path)).toBe(true);
    const source = readFileSync(path, "utf8").replaceAll('\\"', '"');
    expect(source.includes(title) || `${path} has no test "${title}"`).toBe(true);
    expect(source).not.toMatch(/\b(?:it|test|describe)\.(?:skip|todo|only)\(/);
  });

  it("lists the deviations that the code owns up to, and no others", () => {
    const sources = globSync("{lib,platform,durable-objects,workers,web}/**/*.ts");
    const found = sources.flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/DEVIATION\(RFC [^)]*\)/g)].map(([name]) => `${name} ${file}`),
    );
    expect(found.sort()).toEqual(deviations.map(([name, file]) => `${name} ${file}`).sort());
  });
});
