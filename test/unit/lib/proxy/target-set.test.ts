import { describe, expect, it } from "vitest";
import type { Binding } from "../../../../lib/location/binding.ts";
import { registrationMark } from "../../../../lib/location/gruu.ts";
import { groupsOf, targetSet } from "../../../../lib/proxy/response-context/target-set.ts";
import { now } from "./support.ts";

function binding(phone: string, more: Partial<Binding> = {}): Binding {
  const contact = `sip:bob@${phone}.invalid`;
  return {
    ...{ key: `contact ${contact}`, phone, contact, parameters: "", instance: undefined, regId: undefined, q: 1000, path: [] },
    ...{ callId: "call", cseq: 1, expires: now, lease: now },
    ...more,
  };
}

const everybody = { kind: "address", instance: undefined, registration: undefined } as const;
const phones = (bindings: readonly Binding[], to: Parameters<typeof targetSet>[1] = everybody, calling?: string): string[] =>
  targetSet(bindings, to, calling).map(({ phone }) => phone);

describe("the target set (RFC 3261 §16.5)", () => {
  it("has every contact, the preferred ones first, the newest first of those", () => {
    const bindings = [binding("low", { q: 100 }), binding("old"), binding("new", { expires: now + 1 }), binding("half", { q: 500 })];
    expect(phones(bindings)).toEqual(["new", "old", "half", "low"]);
  });

  it("is empty where nothing is bound", () => {
    expect(phones([])).toEqual([]);
  });

  it("tells the contact and the path of each", () => {
    const path = ["<sip:edge.invalid;lr>"];
    expect(targetSet([binding("one", { path, q: 300 })], everybody, undefined)).toEqual([
      { phone: "one", contact: "sip:bob@one.invalid", q: 300, path, key: "contact sip:bob@one.invalid", features: "" },
    ]);
  });

  it("leaves out the phone that is calling, not the user's others", () => {
    expect(phones([binding("one"), binding("two")], everybody, "one")).toEqual(["two"]);
  });

  it("has the flows of one instance once, by the newest (RFC 5626 §5.3)", () => {
    const flow = (regId: number, more: Partial<Binding>): Binding =>
      binding("one", { key: `instance i ${regId}`, instance: "i", regId, ...more });
    const [target, ...others] = targetSet(
      [flow(1, { contact: "sip:old" }), flow(2, { contact: "sip:new", expires: now + 1 })],
      everybody,
      undefined,
    );
    expect([target?.contact, others]).toEqual(["sip:new", []]);
    expect(target?.others).toEqual([{ key: "instance i 1", contact: "sip:old", path: [] }]);
  });

  it("has the address that an administrator has bound, without a phone", () => {
    const [target] = targetSet([binding("", { contact: "sip:carol@example.com", isStatic: true })], everybody, undefined);
    expect(target).toMatchObject({ phone: "", contact: "sip:carol@example.com", retarget: { cause: "unknown" } });
  });

  it("is tried in groups of equal q, one after another (RFC 3261 §16.6)", () => {
    const targets = targetSet([binding("low", { q: 100 }), binding("one"), binding("two")], everybody, undefined);
    const preferred = targets.map((target) => ({ target, preference: 1 }));
    expect(groupsOf(preferred).map((group) => group.map(({ phone }) => phone))).toEqual([["one", "two"], ["low"]]);
  });

  it("has several contacts of a phone that tells no instance", () => {
    expect(phones([binding("one"), binding("one", { key: "contact other" })])).toEqual(["one", "one"]);
  });
});

describe("a request to a GRUU (RFC 5627 §6.1)", () => {
  const bindings = [
    binding("one", { instance: "urn:uuid:ABC", callId: "first" }),
    binding("two", { instance: "urn:uuid:def", callId: "second" }),
    binding("three"),
  ];

  it("goes to the instance it names, and to no other", () => {
    expect(phones(bindings, { ...everybody, instance: "urn:uuid:abc" })).toEqual(["one"]);
    expect(phones(bindings, { ...everybody, instance: "urn:uuid:other" })).toEqual([]);
  });

  it("that is temporary goes nowhere once the phone has registered anew with another Call-ID (§3.1.2)", () => {
    expect(phones(bindings, { ...everybody, instance: "two", registration: registrationMark("second") })).toEqual(["two"]);
    expect(phones(bindings, { ...everybody, instance: "two", registration: registrationMark("first") })).toEqual([]);
  });
});
