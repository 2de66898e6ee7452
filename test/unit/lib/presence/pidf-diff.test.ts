import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changesOfPidf, fullPidf, partialPidf } from "../../../../lib/presence/pidf-diff.ts";
import { readPublished } from "../../../../lib/presence/pidf-patch.ts";
import { composePidf } from "../../../../lib/presence/pidf.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { faultOf } from "../../../support/documents.ts";
import { applyPidfDiff, canonical } from "../../../support/patch.ts";

const entity = "sip:bob@example.com";
const type = "application/pidf-diff+xml";
const dataModel = "urn:ietf:params:xml:ns:pidf:data-model";
/** So long that it is worth while to tell what has changed only. */
const bulk = `<x:bulk xmlns:x="urn:example:x">${"bulk ".repeat(100)}</x:bulk>`;
const document = (...children: string[]) => short(...children, bulk);
const short = (...children: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${entity}">${children.join("")}</presence>\r\n`;
const tuple = (id: string, basic: string, more = "") => `<tuple id="${id}"><status><basic>${basic}</basic></status>${more}</tuple>`;
const person = (...activities: string[]) =>
  `<person xmlns="${dataModel}" id="p"><activities xmlns="urn:ietf:params:xml:ns:pidf:rpid">${activities.map((one) => `<${one}/>`).join("")}</activities></person>`;

function patched(before: string, after: string): { readonly operations: string; readonly result: string } {
  const changes = changesOfPidf(before, after);
  if (changes === undefined) throw new Error("no changes can be said");
  const diff = partialPidf(entity, changes, 1);
  expect(faultOf(type, diff)).toBeUndefined();
  // What we say ourselves we also take.
  const taken = readPublished(type, diff, before);
  expect(isFault(taken) ? taken : canonical(taken)).toBe(canonical(after));
  return { operations: changes.operations, result: canonical(applyPidfDiff(before, diff)) };
}

describe("partial presence (RFC 5262)", () => {
  it.each([
    [
      "a status that changes is replaced in its text",
      document(tuple("a", "open")),
      document(tuple("a", "closed")),
      /^<p:replace sel="\*\/tuple\[@id='a'\]\/status\/basic\/text\(\)">closed<\/p:replace>$/,
    ],
    [
      "a service that goes is removed",
      document(tuple("a", "open"), tuple("b", "open")),
      document(tuple("b", "open")),
      /^<p:remove sel="\*\/tuple\[@id='a'\]"\/>$/,
    ],
    [
      "a service that comes is added behind the one before it",
      document(tuple("a", "open")),
      document(tuple("a", "open"), tuple("b", "open")),
      /^<p:add sel="\*\/tuple\[@id='a'\]" pos="after"><tuple /,
    ],
    [
      "or in front of all",
      document(tuple("b", "open")),
      document(tuple("a", "open"), tuple("b", "open")),
      /^<p:add sel="\*" pos="prepend"><tuple /,
    ],
    [
      "what is in another namespace is named by a prefix",
      document(tuple("a", "open"), person("busy")),
      document(tuple("a", "open"), person("busy", "away")),
      /^<p:add sel="\*\/n\d:person\[@id='p'\]\/n\d:activities\/n\d:busy" pos="after"><away /,
    ],
    [
      "attributes that change take their element along",
      document(tuple("a", "open", '<contact priority="1">sip:b@h</contact>')),
      document(tuple("a", "open", '<contact priority="0.5">sip:b@h</contact>')),
      /^<p:replace sel="\*\/tuple\[@id='a'\]\/contact"><contact /,
    ],
    ["the same document needs nothing", document(tuple("a", "open")), document(tuple("a", "open")), /^$/],
    [
      "text is escaped",
      document(tuple("a", "open", "<note>a</note>")),
      document(tuple("a", "open", "<note>&lt;&amp;</note>")),
      /note\/text\(\)">&lt;&amp;<\/p:replace>$/,
    ],
  ])("%s", (_rule, before, after, operations) => {
    const made = patched(before, after);
    expect(made.operations).toMatch(operations);
    expect(made.result).toBe(canonical(after));
  });

  it.each([
    [
      "two notes without ids cannot be told apart",
      document(tuple("a", "open"), "<note>a</note><note>b</note>"),
      document(tuple("a", "open"), "<note>a</note>"),
    ],
    [
      "an order that changes cannot be said",
      document(tuple("a", "open"), tuple("b", "open")),
      document(tuple("b", "open"), tuple("a", "open")),
    ],
    ["what is longer than the whole is not worth it", short(tuple("a", "open")), short(tuple("b", "open"))],
    ["what is no document has no changes", "nonsense", document(tuple("a", "open"))],
  ])("%s: the full state is sent", (_rule, before, after) => {
    const changes = changesOfPidf(before, after);
    expect(changes === undefined || partialPidf(entity, changes, 1).length >= fullPidf(after, 1).length).toBe(true);
  });

  it("the full state is the whole document under another name", () => {
    const full = fullPidf(document(tuple("a", "open"), person("busy")), 7);
    expect(faultOf(type, full)).toBeUndefined();
    expect(full).toMatch(/<p:pidf-full [^>]*version="7"/);
    expect(full).toContain('<tuple id="a"><status><basic>open</basic></status></tuple>');
  });

  it("whatever is published, what is told of the changes makes the new document of the old one", () => {
    const word = fc.stringMatching(/^[a-z]{1,6}$/);
    const text = fc.string({ maxLength: 10, unit: "grapheme-ascii" });
    const escaped = text.map((one) => one.replace(/[&<>]/g, "x"));
    const extension = fc
      .tuple(word, escaped)
      .map(([name, value]) => `<x:${name} xmlns:x="urn:example:x" a="1"><x:b>${value}</x:b></x:${name}>`);
    const service = fc.record({
      id: fc.constantFrom("a", "b", "c", "d"),
      basic: fc.constantFrom("open", "closed"),
      more: fc.option(extension, { nil: "" }),
      note: escaped,
    });
    const services = fc
      .uniqueArray(service, { selector: ({ id }) => id })
      .map((all) => all.sort((one, other) => one.id.localeCompare(other.id)))
      .map((all) => all.map(({ id, basic, more, note }) => tuple(id, basic, `${more}<note>${note}</note>`)));
    const activities = fc
      .uniqueArray(fc.constantFrom("busy", "away", "meeting", "meal"), { minLength: 1 })
      .map((names) => person(...names));
    const published = fc
      .record({ services, person: fc.option(activities, { nil: "" }), notes: fc.array(escaped, { maxLength: 2 }) })
      .map((one) => document(...one.services, ...one.notes.map((note) => `<note>${note}</note>`), one.person));
    const facts = fc.record({ isReachable: fc.boolean(), isOnThePhone: fc.boolean(), shown: fc.subarray([0, 1, 2]) });
    let [said, all] = [0, 0];
    fc.assert(
      fc.property(fc.tuple(published, published, published), facts, facts, (bodies, ...[earlier, later]) => {
        const compose = ({ shown, ...known }: typeof earlier) =>
          composePidf({
            entity,
            ...known,
            published: [3, ...shown].map((index) => ({ body: bodies[index] ?? document(), isPresent: index > 0 })),
          });
        const [before, after] = [compose(earlier), compose(later)];
        expect(faultOf("application/pidf+xml", after)).toBeUndefined();
        expect(faultOf(type, fullPidf(after, 1))).toBeUndefined();
        all += 1;
        if (changesOfPidf(before, after) === undefined) return;
        said += 1;
        expect(patched(before, after).result).toBe(canonical(after));
      }),
      { numRuns: 500 },
    );
    // It would prove nothing if there was next to nothing that could be said.
    expect(said).toBeGreaterThan(all / 4);
  });
});
