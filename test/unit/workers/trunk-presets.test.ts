import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { trunkPresetSchema } from "../../../workers/api/trunk-preset-schema.ts";

const files = globSync("presets/*.json");

describe("the files in presets/", () => {
  it("are each imported by the API", () => {
    const source = readFileSync("workers/api/trunk-presets.ts", "utf8");
    expect(files.length).toBe(15);
    expect(files.filter((file) => !source.includes(`"../../${file}"`))).toEqual([]);
  });

  it.each(files)("%s has what a preset may have, and its own name", (file) => {
    const result = trunkPresetSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
    expect([result.error?.message, result.data?.id]).toEqual([undefined, basename(file, ".json")]);
  });

  it.each([
    ["neither tried nor from documentation", {}],
    ["both", { tried: "here", from_documentation: true, documentation: ["https://pbx.example/"] }],
    ["from documentation that they do not name", { from_documentation: true }],
    ["of another member", { tried: "here", udp: true }],
  ])("may not be %s", (_what, more) => {
    expect(trunkPresetSchema.safeParse({ id: "x", name: "X", other_side: "Nothing.", notes: [], ...more }).success).toBe(false);
  });
});
