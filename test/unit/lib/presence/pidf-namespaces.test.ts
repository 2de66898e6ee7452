import { describe, expect, it } from "vitest";
import { composePidf } from "../../../../lib/presence/pidf.ts";
import { readPublished, storedPidf } from "../../../../lib/presence/pidf-patch.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";

const pidf = "urn:ietf:params:xml:ns:pidf";
const longest = 16_384;

/** A document whose children use a namespace of so many characters, which is declared once, at the root. */
function documentOf(children: string, characters: number): string {
  return `<presence xmlns="${pidf}" xmlns:a="urn:${"x".repeat(characters)}" entity="sip:bob@example.com">${children}</presence>`;
}

const kinds = [
  ["within one service", `<tuple id="t"><status>${"<a:b/>".repeat(400)}</status></tuple>`],
  ["of unknown elements", "<a:b/>".repeat(400)],
  ["of services", Array.from({ length: 160 }, (_, index) => `<tuple id="t${index}"><status><a:b/></status></tuple>`).join("")],
] as const;

describe.each(kinds)("namespaces %s", (_kind, children) => {
  it("may not make a document longer than event state may be", () => {
    const stored = storedPidf(documentOf(children, 200), longest);
    expect(stored).toMatchObject({ status: 413, fault: expect.stringContaining("with the namespaces of each element") });
  });

  it("have so many characters at most", () => {
    for (const attribute of [`xmlns:a="urn:${"x".repeat(300)}"`, `xmlns:${"p".repeat(300)}='urn:x'`, `xmlns = "urn:${"x".repeat(300)}"`]) {
      const body = `<p:presence xmlns:p="${pidf}" ${attribute} entity="sip:bob@example.com"/>`;
      expect(readPublished("application/pidf+xml", body, undefined)).toMatchObject({
        status: 400,
        fault: expect.stringContaining("namespace"),
      });
    }
  });

  it("make a full state in the partial format no longer either", () => {
    const body = documentOf(children, 200)
      .replace("<presence", `<d:pidf-full xmlns:d="urn:ietf:params:xml:ns:pidf-diff"`)
      .replace("</presence>", "</d:pidf-full>");
    expect(readPublished("application/pidf-diff+xml", body, undefined, longest)).toMatchObject({ status: 413 });
  });

  it("are as long in the document of watchers as in the stored one", () => {
    const stored = storedPidf(documentOf(children, 10), 100_000);
    if (isFault(stored)) throw new Error(stored.fault);
    const composed = composePidf({
      entity: "sip:bob@example.com",
      published: [{ body: stored, isPresent: true }],
      isReachable: true,
      isOnThePhone: false,
    });
    expect(Math.abs(composed.length - stored.length)).toBeLessThan(500);
  });
});
