import { describe, expect, it } from "vitest";
import { csvRow } from "../../../workers/api/csv.ts";

const cellOf = (from: string) => csvRow({ from }).split(",").slice(14, -5).join(",");

describe("a cell of the exported calls", () => {
  it.each([
    ["Alice", "Alice"],
    ["<sip:+4930@example.com>;tag=1", '"<sip:+4930@example.com>;tag=1"'],
    ['"A" <sip:a@x>', '"""A"" <sip:a@x>"'],
    ["=cmd|' /C calc'!A0", `"'=cmd|' /C calc'!A0"`],
    ["+1", "'+1"],
    ["a;=1+1", `"a;'=1+1"`],
    ["a| @SUM(A1)", `"a|' @SUM(A1)"`],
    ["a\t-1", `"a\t'-1"`],
    ['a;"=1', `"a;'""=1"`],
  ])("%j is %j, so that no spreadsheet runs it", (from, cell) => {
    expect(cellOf(from)).toBe(cell);
  });
});
