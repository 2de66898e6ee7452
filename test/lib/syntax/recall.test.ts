import { describe, expect, it } from "vitest";
import { recalling } from "../../../lib/syntax/recall.ts";

/** A parser that counts how often it is asked, and finds nothing in an empty text. */
function counted(longest?: number) {
  const asked: string[] = [];
  const recall = recalling((text) => (asked.push(text) > 0 && text !== "" ? { text } : undefined), longest);
  return { asked, recall };
}

describe("a parser that remembers what it has read", () => {
  it("reads a value once, also one that it makes nothing of", () => {
    const { asked, recall } = counted();
    expect([recall("a"), recall("a"), recall(""), recall("")]).toEqual([{ text: "a" }, { text: "a" }, undefined, undefined]);
    expect(asked).toEqual(["a", ""]);
  });

  it("remembers none that is longer than what is worth it", () => {
    const { asked, recall } = counted(3);
    for (const text of ["abc", "abc", "abcd", "abcd"]) recall(text);
    expect(asked).toEqual(["abc", "abcd", "abcd"]);
  });

  it("keeps a thousand at most", () => {
    const { asked, recall } = counted();
    for (let number = 0; number < 1001; number += 1) recall(`value ${number}`);
    recall("value 1000");
    recall("value 0");
    expect(asked).toHaveLength(1002);
  });
});
