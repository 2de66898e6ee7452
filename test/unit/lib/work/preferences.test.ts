import { expect, it } from "vitest";
import { readPublished } from "../../../../lib/presence/pidf-patch.ts";
import { preferTargets } from "../../../../lib/proxy/caller-preferences.ts";
import { type Request, parseMessage } from "../../../../lib/syntax/message.ts";
import { workOf } from "../../../support/work.ts";

/** Milliseconds that one frame may take; it was 3000 and more. */
const most = 500;

it("what a caller wants is compared with what a phone can do, each a list as long as a header may be, in linear time", () => {
  const list = (value: string, count: number) => `methods="${Array.from({ length: count }, () => value).join(",")}"`;
  const lines = Array.from({ length: 15 }, () => `Accept-Contact: *;${list("b", 8000)}`);
  const invite = parseMessage(`INVITE sip:bob@example.com SIP/2.0\r\n${lines.join("\r\n")}\r\n\r\n`) as Request;
  const target = { phone: "p", contact: "sip:x", q: 1000, path: [], features: `;${list("a", 8000)}` };
  expect(workOf(() => preferTargets(invite, [target]))).toBeLessThan(most);
});

it("no more preferences of a caller are compared with each phone than a few, however many a request has", () => {
  const predicates = Array.from({ length: 15 }, () => `Accept-Contact: ${Array.from({ length: 2000 }, () => "*;audio").join(",")}`);
  const invite = parseMessage(`INVITE sip:bob@example.com SIP/2.0\r\n${predicates.join("\r\n")}\r\n\r\n`) as Request;
  const targets = Array.from({ length: 100 }, (_, n) => ({ phone: `${n}`, contact: "sip:x", q: 1000, path: [], features: ";audio;video" }));
  expect(workOf(() => preferTargets(invite, targets))).toBeLessThan(most);
});

it("a change of a presence document whose selectors have many conditions is read in linear time", () => {
  const namespace = "urn:ietf:params:xml:ns:pidf";
  const tuple = '<tuple id="t"><status><basic>open</basic></status></tuple>';
  const document = `<presence xmlns="${namespace}" entity="sip:a@b">${"<a/>".repeat(470)}${tuple}</presence>`;
  const operation = `<p:replace sel="*/a${"[.='']".repeat(150)}[1]"><a/></p:replace>`;
  const names = `xmlns:p="urn:ietf:params:xml:ns:pidf-diff" xmlns="${namespace}"`;
  const changes = `<p:pidf-diff ${names} entity="sip:a@b">${operation.repeat(14)}</p:pidf-diff>`;
  expect(changes.length).toBeLessThan(16_384);
  expect(workOf(() => readPublished("application/pidf-diff+xml", changes, document))).toBeLessThan(most);
});
