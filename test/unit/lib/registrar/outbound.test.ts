import { describe, expect, it } from "vitest";
import { after, accepted, contactsOf, decide, outbound } from "./support.ts";

const contact = "sip:alice@one.invalid;transport=ws";
const moved = "sip:alice@moved.invalid;transport=ws";

/** RFC 5626 §6: instance and reg-id together are what a binding is known by. */
describe("instance and reg-id", () => {
  const bindings = after([outbound(contact, 1)]);

  it("replace the binding of the same phone, whatever its contact is now and whoever's Call-ID it was", () => {
    const outcome = accepted([outbound(moved, 1), "Call-ID: after-a-restart"], { bindings });
    expect([outcome.removed, contactsOf(outcome.bindings)]).toEqual([[], [moved]]);
    expect(outcome.put[0]?.key).toBe(bindings[0]?.key);
  });

  it("with another reg-id are another flow of the same phone, even with the same contact", () => {
    const both = after([outbound(contact, 2), "CSeq: 2 REGISTER"], { bindings });
    expect(both.map(({ contact: bound, regId }) => [bound, regId])).toEqual([
      [contact, 1],
      [contact, 2],
    ]);
    expect(new Set(both.map(({ phone }) => phone)).size).toBe(1);
  });

  it("of another instance are another phone, even with the same contact", () => {
    const both = after([outbound(contact, 1, "urn:uuid:2"), "CSeq: 2 REGISTER"], { bindings });
    expect(new Set(both.map(({ phone }) => phone)).size).toBe(2);
  });

  it("remove with expires=0 the flow they name, and no other", () => {
    const both = after([outbound(contact, 2), "CSeq: 2 REGISTER"], { bindings });
    const outcome = accepted([`${outbound(contact, 2)};expires=0`, "CSeq: 3 REGISTER"], { bindings: both });
    expect(outcome.bindings.map(({ regId }) => regId)).toEqual([1]);
  });

  it("take the place of a binding that had the same contact without them", () => {
    const plain = after([`Contact: <${contact}>`]);
    const outcome = accepted([outbound(contact, 1), "CSeq: 2 REGISTER"], { bindings: plain });
    expect([outcome.removed, outcome.bindings.length]).toEqual([plain, 1]);
  });

  it("keep the order of CSeq per binding", () => {
    expect(decide([outbound(moved, 1), "CSeq: 1 REGISTER"], { bindings })).toMatchObject({ status: 500 });
  });
});

describe("reg-id", () => {
  it.each(["0", "-1", "x", "2147483648", '"1"', "1.5"])("%s is refused with 400", (regId) => {
    expect(decide([outbound(contact, regId)])).toMatchObject({ status: 400 });
  });

  it.each(["1", "2147483647"])("%s is taken", (regId) => {
    expect(after([outbound(contact, regId)])).toMatchObject([{ regId: Number(regId) }]);
  });

  it("allows one Contact only that is to be bound: 400", () => {
    const lines = (other: string): string[] => [outbound(contact, 1), `Contact: <${moved}>${other}`];
    expect(decide(lines(""))).toMatchObject({ status: 400 });
    expect(contactsOf(after(lines(";expires=0")))).toEqual([contact]);
  });

  it.each(["0", "x", "1"])("without an instance is ignored, whatever it says: %s (RFC 5626 §6)", (regId) => {
    expect(after([`Contact: <${contact}>;reg-id=${regId}`])).toMatchObject([{ regId: undefined, instance: undefined }]);
    expect(after([`Contact: <${contact}>;reg-id=${regId}`, `Contact: <${moved}>`])).toHaveLength(2);
  });

  it("without an instance is ignored", () => {
    const bindings = after([`Contact: <${contact}>;reg-id=1`]);
    expect(bindings).toMatchObject([{ regId: undefined, instance: undefined }]);
    expect(contactsOf(after([`Contact: <${moved}>;reg-id=1`, "CSeq: 2 REGISTER"], { bindings }))).toEqual([contact, moved]);
  });
});

describe("an instance without reg-id", () => {
  it.each(['"<urn:uuid:1>"', '"urn:uuid:1"'])("%s is known, and the contact makes the binding", (written) => {
    const bindings = after([`Contact: <${contact}>;+sip.instance=${written}`]);
    expect(bindings).toMatchObject([{ instance: "urn:uuid:1", regId: undefined, key: `contact ${contact}` }]);
    expect(after([`Contact: <${moved}>;+sip.instance=${written}`, "CSeq: 2 REGISTER"], { bindings })).toHaveLength(2);
  });

  it.each(['""', '"<>"'])("that is empty (%s) is none", (written) => {
    expect(after([`Contact: <${contact}>;+sip.instance=${written};reg-id=1`])).toMatchObject([{ instance: undefined, regId: undefined }]);
  });

  it("has one phone for all its contacts", () => {
    const instance = '+sip.instance="<urn:uuid:1>"';
    const bindings = after([`Contact: <${contact}>;${instance}, <${moved}>;${instance}`]);
    expect(new Set(bindings.map(({ phone }) => phone)).size).toBe(1);
  });
});

/** RFC 5626 §6: behind a proxy that does not keep flows, they cannot be told apart. */
describe("an outbound registration that came through another proxy", () => {
  const second = "Via: SIP/2.0/WSS edge.invalid;branch=z9hG4bKedge, SIP/2.0/WSS phone.invalid;branch=z9hG4bKphone";
  const lines = [second, outbound(contact, 1), "Supported: outbound, path"];

  it("is refused with 439 if the first proxy has no ob in its Path", () => {
    expect(decide(lines)).toMatchObject({ status: 439 });
    expect(decide([...lines, "Path: <sip:edge.invalid;lr>"])).toMatchObject({ status: 439 });
    expect(decide([...lines, "Path: <sip:inner.invalid;lr;ob>, <sip:edge.invalid;lr>"])).toMatchObject({ status: 439 });
  });

  it("is taken if it has", () => {
    expect(after([...lines, "Path: <sip:edge.invalid;lr;ob>"])).toHaveLength(1);
  });

  it("is taken if the phone does not ask for outbound, or is directly here", () => {
    expect(after([second, outbound(contact, 1)])).toHaveLength(1);
    expect(after([outbound(contact, 1), "Supported: outbound"])).toHaveLength(1);
  });
});

describe("Path (RFC 3327 §5.3)", () => {
  it.each(["<<<", "<sip:edge.invalid;lr>, nonsense", "<tel:+4930123>", "<sip:a b;lr>"])(
    "%s leads nowhere, and is refused with 400",
    (path) => {
      expect(decide([outbound(contact, 1), "Supported: path", `Path: ${path}`])).toMatchObject({ status: 400 });
    },
  );

  it("is kept in its order", () => {
    const path = ["<sip:inner.invalid;lr>", "<sip:edge.invalid;lr>"];
    expect(after([outbound(contact, 1), "Supported: path", `Path: ${path.join(", ")}`])).toMatchObject([{ path }]);
  });
});
