import { describe, expect, it } from "vitest";
import { bindingKey, phoneOf } from "../../../../lib/location/binding.ts";
import { type BoundContact, type Flow, leadsTo, phoneOnFlow } from "../../../../lib/transport/flow.ts";
import { keyring } from "../support/sip.ts";

describe("what makes it the same binding", () => {
  it.each([
    ["instance and reg-id (RFC 5626 §6)", "urn:uuid:1", 1, "sip:a@x.invalid", "instance urn:uuid:1 1"],
    ["the contact, where there is no reg-id", "urn:uuid:1", undefined, "sip:a@x.invalid", "contact sip:a@x.invalid"],
    ["the contact, where there is no instance", undefined, 1, "sip:a@x.invalid", "contact sip:a@x.invalid"],
    ["the contact, where there is neither (RFC 3261 §10.3 step 7)", undefined, undefined, "sip:a@x.invalid", "contact sip:a@x.invalid"],
  ])("%s", (_what, instance, regId, contact, key) => {
    expect(bindingKey(instance, regId, contact)).toBe(key);
  });
});

describe("the phone that a binding leads to", () => {
  it("is the same for all flows of an instance, and another for another", () => {
    const phone = phoneOf(keyring, "urn:uuid:1", "sip:a@one.invalid");
    expect(phone).toMatch(/^[\w-]{8}$/);
    expect(phoneOf(keyring, "urn:uuid:1", "sip:a@two.invalid")).toBe(phone);
    expect(phoneOf(keyring, "urn:uuid:2", "sip:a@one.invalid")).not.toBe(phone);
  });

  it("is the contact's where it tells no instance", () => {
    expect(phoneOf(keyring, undefined, "sip:a@one.invalid")).not.toBe(phoneOf(keyring, undefined, "sip:a@two.invalid"));
  });
});

describe("a flow", () => {
  const bound = (phone: string): BoundContact => ({ key: phone, phone, contact: "", callId: "", cseq: 1, expires: 0 });
  const flow = (...phones: readonly string[]) => ({ id: "flowflow", boundContacts: phones.map(bound) }) as unknown as Flow;

  it("stands for the phone it carries, or for itself if nothing is registered on it", () => {
    expect([phoneOnFlow(flow("phone-1")), phoneOnFlow(flow())]).toEqual(["phone-1", "flowflow"]);
  });

  it.each(["phone-1", "phone-2", "flowflow"])("that carries two phones leads to %s", (phone) => {
    expect(leadsTo(flow("phone-1", "phone-2"), phone)).toBe(true);
  });

  it("leads to no other", () => {
    expect(leadsTo(flow("phone-1"), "phone-2")).toBe(false);
  });
});
