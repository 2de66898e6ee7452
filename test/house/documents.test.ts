import { describe, expect, it } from "vitest";
import { checkNotification, faultOf } from "../support/documents.ts";
import { readReceivedMessage } from "../support/received-message.ts";

const pidf = "urn:ietf:params:xml:ns:pidf";
const presence = (children: string) => `<presence xmlns="${pidf}" entity="sip:bob@example.com">${children}</presence>`;
const tuple = '<tuple id="t1"><status><basic>open</basic></status></tuple>';
const person = (children: string) => presence(`${tuple}<person xmlns="${pidf}:data-model" id="p1">${children}</person>`);
const activities = (children: string) => person(`<activities xmlns="${pidf}:rpid">${children}</activities>`);
const diff = (children: string) =>
  `<p:pidf-diff xmlns:p="${pidf}-diff" xmlns="${pidf}" entity="sip:bob@example.com" version="1">${children}</p:pidf-diff>`;
const winfo = (attributes: string) =>
  `<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="0" state="full"><watcher-list resource="sip:bob@example.com" package="presence"><watcher id="1" ${attributes}>sip:alice@example.com</watcher></watcher-list></watcherinfo>`;
const reginfo = (contact: string) =>
  `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full"><registration aor="sip:bob@example.com" id="1" state="active">${contact}</registration></reginfo>`;
const contact = (children: string) => `<contact id="1" state="active" event="registered"><uri>sip:bob@h.invalid</uri>${children}</contact>`;
const dialogInfo = (dialog: string) =>
  `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:bob@example.com">${dialog}</dialog-info>`;
const rlmi = (state: string) =>
  `<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:list@example.com" version="0" fullState="true"><resource uri="sip:bob@example.com"><instance id="1" state="${state}"/></resource></list>`;

const documents: readonly (readonly [schema: string, type: string, valid: string, invalid: string])[] = [
  ["PIDF", "application/pidf+xml", presence(tuple), presence('<tuple id="t1"/>')],
  ["the data model", "application/pidf+xml", person(""), person("").replace(' id="p1"', "")],
  ["RPID", "application/pidf+xml", activities("<busy/>"), activities("<bus/>")],
  ["pidf-diff", "application/pidf-diff+xml", diff(`<p:remove sel="*/tuple"/>`), diff("<p:remove/>")],
  ["patch operations", "application/pidf-diff+xml", diff(`<p:add sel="*" pos="prepend"/>`), diff(`<p:add sel="*" pos="first"/>`)],
  ["watcherinfo", "application/watcherinfo+xml", winfo('status="active" event="approved"'), winfo('status="watching" event="approved"')],
  ["reginfo", "application/reginfo+xml", reginfo(contact("")), reginfo(contact("").replace(' event="registered"', ""))],
  [
    "gruuinfo",
    "application/reginfo+xml",
    reginfo(contact('<pub-gruu xmlns="urn:ietf:params:xml:ns:gruuinfo" uri="sip:bob@example.com;gr=1"/>')),
    reginfo(contact('<pub-gruu xmlns="urn:ietf:params:xml:ns:gruuinfo"/>')),
  ],
  [
    "dialog-info",
    "application/dialog-info+xml",
    dialogInfo('<dialog id="1"><state>early</state></dialog>'),
    dialogInfo('<dialog id="1"/>'),
  ],
  ["rlmi", "application/rlmi+xml", rlmi("active"), rlmi("gone")],
];

describe("documents that notifications carry are checked against their schemas", () => {
  it.each(documents)("%s", (_schema, type, valid, invalid) => {
    expect(faultOf(type, valid)).toBeUndefined();
    expect(faultOf(type, invalid)).toMatch(/\S/);
  });

  it("extensions that nobody here knows may stand where the schemas let them", () => {
    const extension = '<x:what xmlns:x="urn:example:nobody"><x:ever a="b"/></x:what>';
    expect(faultOf("application/pidf+xml", presence(`${tuple}${extension}`))).toBeUndefined();
    expect(faultOf("application/pidf+xml", presence(`<what/>${tuple}`))).toMatch(/what/);
  });

  it("the root must be the type's own", () => {
    expect(faultOf("application/dialog-info+xml", presence(tuple))).toMatch(/presence/);
    expect(faultOf("application/pidf+xml", "nonsense")).toMatch(/no XML/);
  });

  it("a phone that is sent an invalid one throws, also in a part of several", () => {
    const notify = (type: string, body: string) =>
      readReceivedMessage(`NOTIFY sip:a@h SIP/2.0\r\nContent-Type: ${type}\r\n\r\n${body}`, false);
    const parts = (body: string) =>
      `--b\r\nContent-Type: application/rlmi+xml\r\n\r\n${rlmi("active")}\r\n--b\r\nContent-Type: application/pidf+xml\r\n\r\n${body}\r\n--b--\r\n`;
    const list = 'multipart/related;type="application/rlmi+xml";boundary=b';
    expect(() => checkNotification(notify("application/pidf+xml", presence(tuple)))).not.toThrow();
    expect(() => checkNotification(notify("application/pidf+xml", presence("<tuple/>")))).toThrow(/not valid/);
    expect(() => checkNotification(notify(list, parts(presence(tuple))))).not.toThrow();
    expect(() => checkNotification(notify(list, parts(presence("<tuple/>"))))).toThrow(/not valid/);
  });
});
