import { growsTooFast } from "../work/growth.ts";
import { describe, expect, it } from "vitest";
import { applicationPidf, closedPidf, composePidf, refusePidf } from "../../../../lib/presence/pidf.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { faultOf } from "../../../support/documents.ts";

const entity = "sip:bob@example.com";
const namespaces =
  'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"';
const document = (...children: string[]) => `<presence ${namespaces} entity="sip:whoever@h">${children.join("")}</presence>`;
const tuple = (id: string, basic = "open", more = "") => `<tuple id="${id}"><status><basic>${basic}</basic></status>${more}</tuple>`;
const person = (children: string, id = 'id="p"') => `<dm:person ${id}>${children}</dm:person>`;
const activity = (name: string, id = "") => `<r:activities${id}><r:${name}/></r:activities>`;
const device = (urn: string, note: string) => `<dm:device id="d"><dm:deviceID>${urn}</dm:deviceID><dm:note>${note}</dm:note></dm:device>`;

/** What is composed of documents whose phones are all there; valid, or the test fails. */
function composed(bodies: readonly string[], facts: { away?: readonly number[]; reachable?: boolean; phone?: boolean } = {}): string {
  const { away = [], reachable = true, phone = false } = facts;
  const published = bodies.map((body, index) => ({ body, isPresent: !away.includes(index) }));
  const text = composePidf({ entity, published, isReachable: reachable, isOnThePhone: phone });
  expect(faultOf("application/pidf+xml", text)).toBeUndefined();
  return text;
}

const basics = (text: string) => [...text.matchAll(/basic>(\w+)</g)].map(([, basic]) => basic);
const ids = (text: string) => [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);

describe("the presence document of all sources (RFC 3863, RFC 4479, RFC 4480)", () => {
  it.each([
    ["nothing is registered: closed, and no contact", [], { reachable: false }, ["closed"]],
    ["a phone is registered, and nobody has published: open", [], {}, ["open"]],
    ["services that were published stand for themselves", [document(tuple("a", "closed"))], {}, ["closed"]],
    ["of several phones all are there", [document(tuple("a")), document(tuple("b", "closed"))], {}, ["open", "closed"]],
    ["services of a phone that is away are not", [document(tuple("a")), document(tuple("b", "closed"))], { away: [0] }, ["closed"]],
    ["the last one away, nothing is registered: closed", [document(tuple("a"))], { away: [0], reachable: false }, ["closed"]],
    ["another is registered, which has published nothing: open", [document(tuple("a", "closed"))], { away: [0] }, ["open"]],
  ])("%s", (_rule, bodies, facts, expected) => {
    expect(basics(composed(bodies, facts))).toEqual(expected);
  });

  it("the person is as who spoke last has it (RFC 4479 §3.2), though his phone is away, until that expires (RFC 3903 §4)", () => {
    const bodies = [document(tuple("a"), person(activity("busy"))), document(tuple("b"), person(activity("away")))];
    expect(composed(bodies)).toMatch(/away/);
    expect(composed(bodies)).not.toMatch(/busy/);
    expect(composed(bodies, { away: [0, 1] })).toMatch(/away/);
  });

  it("a device of which two phones speak is one, as the newest has it (RFC 4479 §3.4)", () => {
    const bodies = [
      document(tuple("a"), device("urn:x:1", "old")),
      document(tuple("b"), device("urn:x:1", "new"), device("urn:x:2", "other")),
    ];
    const text = composed(bodies);
    expect([...text.matchAll(/<deviceID|<dm:deviceID/g)]).toHaveLength(2);
    expect([text.includes("old"), text.includes("new"), text.includes("other")]).toEqual([false, true, true]);
  });

  it("ids of several documents that are equal become different, also within", () => {
    const one = document(tuple("t", "open", activity("busy", ' id="x"')));
    const text = composed([one, one, document(person(activity("busy"), 'id="no name"'))]);
    expect(ids(text)).toEqual(["t", "x", "t-2", "x-2", "element"]);
  });

  it("children in an order that the schema does not have are put into it", () => {
    const sloppy = `<tuple id="a"><note>n</note><contact>sip:bob@h</contact><r:class>work</r:class><status><basic>open</basic></status></tuple>`;
    const late = person(`<dm:note>n</dm:note>${activity("busy")}`);
    expect(composed([document(sloppy, late)])).toMatch(/status.*class.*contact.*note.*activities.*note/);
  });

  it.each([
    ["beside what he is up to", [document(tuple("a"), person(activity("meal")))], /<\w*:?meal\/>.*on-the-phone/],
    ["in place of unknown", [document(tuple("a"), person(activity("unknown")))], /activities[^>]*><\w*:?on-the-phone/],
    ["with a person of its own", [document(tuple("caller"))], /<person [^>]*id="caller-2"/],
    [
      "once, if he has said so himself",
      [document(tuple("a"), person(activity("on-the-phone")))],
      /^((?!on-the-phone).)*on-the-phone((?!on-the-phone).)*$/s,
    ],
  ])("a call is an activity: %s (RFC 4480 §3.2)", (_rule, bodies, expected) => {
    expect(composed(bodies, { phone: true })).toMatch(expected);
  });

  it("extensions that nobody here knows are kept", () => {
    const body = document(
      `<tuple id="a"><status><basic>open</basic><x:s xmlns:x="urn:example:x">1</x:s></status><x:t xmlns:x="urn:example:x" x:a="2"/></tuple>`,
      '<y:what xmlns:y="urn:example:y"/>',
      person('<z:mood xmlns:z="urn:example:z">blue</z:mood>'),
    );
    const text = composed([document('<y:what xmlns:y="urn:example:y">old</y:what>'), body]);
    expect(text).toMatch(/<y:what xmlns:y="urn:example:y"\/>/);
    expect(text).not.toMatch(/old/);
    expect(text).toMatch(/x:s xmlns:x="urn:example:x">1</);
    expect(text).toMatch(/x:a="2"/);
    expect(text).toMatch(/blue/);
  });

  it.each([
    ["nothing but an activity", { activity: "meeting" }, [] as string[]],
    ["closed", { open: false, note: "<&>" }, ["closed"]],
  ])("an application may say %s", (_rule, said, expected) => {
    const text = applicationPidf(entity, said);
    expect(faultOf("application/pidf+xml", text)).toBeUndefined();
    expect([refusePidf(text), basics(text)]).toEqual([undefined, expected]);
  });

  it("polite blocking looks as if nothing were registered (RFC 5025 §3.2.1)", () => {
    expect(closedPidf(entity)).toBe(composed([], { reachable: false }));
  });
});

describe("a published document is refused", () => {
  it.each([
    ["without an id of a tuple", document("<tuple><status/></tuple>")],
    ["with an id that is no name", document("<tuple id='1 2'><status/></tuple>")],
    ["without a status", document('<tuple id="a"/>')],
    ["with two statuses", document('<tuple id="a"><status/><status/></tuple>')],
    ["with a status that is neither open nor closed", document(tuple("a", "ajar"))],
    ["that is another", '<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info"/>'],
    ["with a DOCTYPE", `<!DOCTYPE presence>${document()}`],
    ["that is not well-formed", `${document()}<`],
    ["of more elements than anybody needs", document(tuple("a").repeat(400))],
  ])("%s: 400", (_rule, body) => {
    const refusal = refusePidf(body);
    expect(refusal !== undefined && isFault(refusal) && refusal.status).toBe(400);
  });
});

it("the ids of many documents are made unique in linear work", () => {
  let last = 0;
  const one = () => `<dm:device id="a"><dm:deviceID>urn:x:${(last += 1)}</dm:deviceID></dm:device>`;
  const bodyOf = (count: number) => document(tuple("t") + Array.from({ length: count }, one).join(""));
  const work = (count: number) => {
    const published = Array.from({ length: 8 }, () => ({ body: bodyOf(count), isPresent: true }));
    return () => void composePidf({ entity: "sip:bob@h", published, isReachable: true, isOnThePhone: false });
  };
  const text = composed([bodyOf(3), bodyOf(2)]);
  expect(new Set(ids(text)).size).toBe(ids(text).length);
  expect(growsTooFast(work(400), () => work(100))).toBe(false);
});
