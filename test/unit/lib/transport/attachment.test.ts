import { serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cloneSize, maxAttachment, shareOfRest, shares } from "../../../../lib/transport/attachment.ts";

describe("the attachment of a socket", () => {
  it("has room for the shares of all its parts together, and for the user's row beside what has none", () => {
    const { unverifiedSubscriber, ...others } = shares;
    const together = Object.entries(others).reduce((sum, [name, share]) => sum + share + cloneSize(name), shareOfRest);
    expect(together).toBeLessThanOrEqual(maxAttachment);
    expect(unverifiedSubscriber + shareOfRest + cloneSize("unverifiedSubscriber")).toBeLessThanOrEqual(maxAttachment);
  });

  it("is never longer than it was measured, whatever is in it", () => {
    const { json } = fc.letrec((tie) => ({
      leaf: fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(undefined)),
      json: fc.oneof(
        { depthSize: "small" },
        tie("leaf"),
        fc.array(tie("json")),
        fc.dictionary(fc.string({ unit: "binary" }), tie("json"), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(json, (value) => serialize(value).length <= cloneSize(value) + 3),
      { numRuns: 2000 },
    );
  });
});
