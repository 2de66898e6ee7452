import { describe, expect, it } from "vitest";
import { memoised } from "../../../../lib/syntax/memoise.ts";

/** A parser that counts how often it is asked, and finds nothing in an empty text. */
function counted(longest?: number) {
  const asked: string[] = [];
  const memoise = memoised((text) => (asked.push(text) > 0 && text !== "" ? { text } : undefined), longest);
  return { asked, memoise };
}

describe("a parser that remembers what it has read", () => {
  it("reads a value once, also one that it makes nothing of", () => {
    const { asked, memoise } = counted();
    expect([memoise("a"), memoise("a"), memoise(""), memoise("")]).toEqual([{ text: "a" }, { text: "a" }, undefined, undefined]);
    expect(asked).toEqual(["a", ""]);
  });

  it("remembers none that is longer than what is worth it", () => {
    const { asked, memoise } = counted(3);
    for (const text of ["abc", "abc", "abcd", "abcd"]) memoise(text);
    expect(asked).toEqual(["abc", "abcd", "abcd"]);
  });

  it("keeps a thousand at most", () => {
    const { asked, memoise } = counted();
    for (let number = 0; number < 1001; number += 1) memoise(`value ${number}`);
    memoise("value 1000");
    memoise("value 0");
    expect(asked).toHaveLength(1002);
  });
});
