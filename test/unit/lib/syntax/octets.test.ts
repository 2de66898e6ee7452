import { describe, expect, it } from "vitest";
import { legible, toOctets } from "../../../../lib/syntax/octets.ts";

describe("octets for administrators", () => {
  it.each([
    ["plain", "plain"],
    [toOctets("Zoë 中 😀"), "Zoë 中 😀"],
    ["caf\u00E9", "caf\u00E9"],
    ["a\r\n\tb", "a\r\n\tb"],
    ["a\0b\u001B[31mc\u007F", "a\uFFFDb\uFFFD[31mc\uFFFD"],
    [toOctets("a\u009Bb"), "a\uFFFDb"],
  ])("reads %j as %j", (octets, text) => {
    expect(legible(octets)).toBe(text);
  });

  it("cuts between characters", () => {
    const octets = toOctets("a😀é中");
    const cuts = Array.from({ length: octets.length + 1 }, (_, most) => legible(octets, most));
    expect(cuts).toEqual(["", "a", "a", "a", "a", "a😀", "a😀", "a😀é", "a😀é", "a😀é", "a😀é中"]);
  });
});
