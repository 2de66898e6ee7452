import { describe, expect, it } from "vitest";
import { renamed } from "../../../lib/transport/older-shapes.ts";
import { storedShape } from "../../../platform/stored-shape.ts";

interface Call {
  readonly name: string;
  readonly ringing: readonly string[];
}

const first = storedShape<Call>();
const third = storedShape<Call>(
  (older) => renamed(older, [["title", "name"]]),
  (older) => ({ ringing: [], ...older }),
);

describe("a value in a row", () => {
  it("of the first shape has no number", () => {
    expect(JSON.parse(first.write({ name: "a", ringing: [] }))).toEqual({ name: "a", ringing: [] });
    expect(first.read('{"name":"a","ringing":[]}')).toEqual({ name: "a", ringing: [] });
  });

  it("is read as it was written, without the number of its shape", () => {
    const call = { name: "a", ringing: ["b"] };
    expect(JSON.parse(third.write(call))).toEqual({ shape: 3, ...call });
    expect(third.read(third.write(call))).toEqual(call);
  });

  it.each([
    ["of the first release", '{"title":"a"}'],
    ["of the build after it", '{"shape":2,"name":"a"}'],
  ])("%s is upgraded", (_whose, text) => {
    expect(third.read(text)).toEqual({ name: "a", ringing: [] });
  });
});
