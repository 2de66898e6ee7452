import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPublished } from "../../../../lib/presence/pidf-patch.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { canonical } from "../../../support/patch.ts";

const [pidf, rpid] = ["urn:ietf:params:xml:ns:pidf", "urn:ietf:params:xml:ns:pidf:rpid"];
const namespaces = `xmlns="${pidf}" xmlns:r="${rpid}" xmlns:p="${pidf}-diff"`;
const type = "application/pidf-diff+xml";
const presence = (children: string) => `<presence xmlns="${pidf}" xmlns:r="${rpid}" entity="sip:bob@example.com">${children}</presence>`;
const tuple = (id: string, basic: string, more = "") => `<tuple id="${id}"><status><basic>${basic}</basic></status>${more}</tuple>`;
const diff = (operations: string) => `<p:pidf-diff ${namespaces} entity="sip:bob@example.com">${operations}</p:pidf-diff>`;

/** Two services, of which the first has a contact. */
const contact = '<contact priority="0.5">sip:bob@h</contact>';
const stored = presence(tuple("a", "open", contact) + tuple("b", "closed"));
const apply = (operations: string, document: string | undefined = stored) => readPublished(type, diff(operations), document);

describe("partial publication (RFC 5264)", () => {
  it.each([
    [
      "text is replaced",
      `<p:replace sel="*/tuple[@id='a']/status/basic/text()">closed</p:replace>`,
      tuple("a", "closed", contact) + tuple("b", "closed"),
    ],
    [
      "an attribute is replaced",
      `<p:replace sel="presence/tuple[1]/contact/@priority">1</p:replace>`,
      tuple("a", "open", contact.replace("0.5", "1")) + tuple("b", "closed"),
    ],
    [
      "an element is replaced",
      `<p:replace sel="/presence/tuple[@id='b']">${tuple("c", "open")}</p:replace>`,
      tuple("a", "open", contact) + tuple("c", "open"),
    ],
    [
      "an element is added at the end",
      `<p:add sel="*">${tuple("c", "open")}</p:add>`,
      tuple("a", "open", contact) + tuple("b", "closed") + tuple("c", "open"),
    ],
    [
      "in front of another",
      `<p:add sel="*/tuple[@id=&quot;b&quot;]" pos="before">${tuple("c", "open")}</p:add>`,
      tuple("a", "open", contact) + tuple("c", "open") + tuple("b", "closed"),
    ],
    [
      "behind another",
      `<p:add sel="*/tuple[contact='sip:bob@h']" pos="after">${tuple("c", "open")}</p:add>`,
      tuple("a", "open", contact) + tuple("c", "open") + tuple("b", "closed"),
    ],
    [
      "in front of all",
      `<p:add sel="*" pos="prepend">${tuple("c", "open")}</p:add>`,
      tuple("c", "open") + tuple("a", "open", contact) + tuple("b", "closed"),
    ],
    [
      "an extension is added",
      `<p:add sel="*/tuple[2]/status"><r:class>work</r:class></p:add>`,
      tuple("a", "open", contact) + tuple("b", "closed").replace("</status>", `<r:class xmlns:r="${rpid}">work</r:class></status>`),
    ],
    [
      "an attribute is added",
      `<p:add sel="*/tuple[2]/status/basic[.='closed']" type="@x">1</p:add>`,
      tuple("a", "open", contact) + tuple("b", "closed").replace("<basic>", '<basic x="1">'),
    ],
    ["an element is removed", `<p:remove sel="*/tuple[@id='a']" ws="after"/>`, tuple("b", "closed")],
    [
      "an attribute is removed",
      `<p:remove sel="*/tuple/contact/@priority"/>`,
      tuple("a", "open", "<contact>sip:bob@h</contact>") + tuple("b", "closed"),
    ],
    [
      "one after the other",
      `<p:remove sel="*/tuple[1]"/><p:replace sel="*/tuple/status/basic/text()">open</p:replace>`,
      tuple("b", "open"),
    ],
  ])("%s", (_rule, operations, expected) => {
    const result = apply(operations);
    expect(isFault(result) ? result : canonical(result)).toBe(canonical(presence(expected)));
  });

  it("the full state stands for a whole document", () => {
    const full = `<p:pidf-full ${namespaces} entity="sip:bob@example.com">${tuple("a", "open")}</p:pidf-full>`;
    const result = readPublished(type, full, undefined);
    expect(isFault(result) ? result : canonical(result)).toBe(canonical(presence(tuple("a", "open"))));
  });

  it.each([
    ["there is nothing that it would change", `<p:remove sel="*/tuple[1]"/>`, undefined],
    ["a selector leads nowhere", `<p:remove sel="*/tuple[@id='z']"/>`, stored],
    ["a selector leads to several", `<p:remove sel="*/tuple"/>`, stored],
    ["a selector is none", `<p:remove sel="//*[last()]"/>`, stored],
    ["there is no selector", "<p:remove/>", stored],
    ["a selector is endless", `<p:remove sel="${"*/".repeat(600)}*"/>`, stored],
    ["the root would go", `<p:remove sel="*"/>`, stored],
    ["the root would be another", `<p:replace sel="*"><presence/></p:replace>`, stored],
    ["there would be two roots", `<p:add sel="*" pos="after"><presence/></p:add>`, stored],
    ["an operation is not known", `<p:move sel="*/tuple[1]"/>`, stored],
    ["it is in another namespace", `<remove sel="*/tuple[1]"/>`, stored],
    ["a place is not known", `<p:add sel="*" pos="constructor"><note/></p:add>`, stored],
    ["a namespace would be added", `<p:add sel="*" type="@xmlns">urn:x</p:add>`, stored],
    ["one element would become two", `<p:replace sel="*/tuple[1]">${tuple("c", "open")}${tuple("d", "open")}</p:replace>`, stored],
    ["what comes of it is no presence any more", `<p:remove sel="*/tuple[1]/status"/>`, stored],
  ])("is refused if %s: 400", (_rule, operations, document) => {
    expect(readPublished(type, diff(operations), document)).toMatchObject({ status: 400 });
  });

  it("whatever is asked for, there is an answer", () => {
    const piece = fc.constantFrom(
      "*",
      "/",
      "presence",
      "tuple",
      "r:",
      "[1]",
      "[@id='a']",
      "[",
      "]",
      "'",
      "text()",
      "@",
      "@id",
      ".",
      "=",
      "x:y",
    );
    const selector = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
      fc.string(),
    );
    const written = selector.map((text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`));
    fc.assert(
      fc.property(
        written,
        fc.constantFrom("add", "replace", "remove"),
        fc.constantFrom("", ' pos="before"', ' type="@1"'),
        (sel, name, more) => {
          const result = apply(`<p:${name} sel="${sel}"${more}>${tuple("c", "open")}</p:${name}>`);
          const again = isFault(result) ? result.status : readPublished("application/pidf+xml", result, undefined);
          expect([400, result]).toContain(again);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("is refused if it is another document: 400", () => {
    expect(readPublished(type, stored, stored)).toMatchObject({ status: 400 });
    expect(readPublished("application/pidf+xml", diff(""), stored)).toMatchObject({ status: 400 });
  });
});
