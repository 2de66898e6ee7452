import { describe, expect, it } from "vitest";
import { refuseNonSubscriber, senderOf } from "../../../../lib/proxy/non-subscriber-requests.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import type { NonSubscriber } from "../../../../lib/transport/non-subscriber.ts";
import { receive } from "../support/sip.ts";

const guest: NonSubscriber = { kind: "guest", domain: "example.com", name: "g", domains: [], isTrusted: false };
const peer: NonSubscriber = { kind: "peer", domain: "example.com", name: "p", domains: ["partner.example"], isTrusted: true };
const bob = { user: "bob", domain: "example.com", instance: undefined, registration: undefined };
const status = (visitor: NonSubscriber, method: string, from: string, to = bob, isOurs = false) => {
  const sender = senderOf(receive("INVITE sip:bob@example.com", `From: ${from};tag=1`).mandatory);
  return isFault(sender) ? sender.status : refuseNonSubscriber(visitor, method, sender, to, isOurs)?.status;
};
const anonymous = "<sip:anonymous@anonymous.invalid>";

describe("a guest", () => {
  it.each<[string, Parameters<typeof status>, number | undefined]>([
    ["calls a user, anonymously", [guest, "INVITE", anonymous], undefined],
    ["calls under a name of another domain", [guest, "INVITE", "<sip:visitor@elsewhere.example>"], undefined],
    ["writes", [guest, "MESSAGE", anonymous], undefined],
    ["may not take a name in a domain of ours", [guest, "INVITE", "<sip:alice@example.com>", bob, true], 403],
    ["may not call another domain", [guest, "INVITE", anonymous, { ...bob, domain: "elsewhere.example" }], 403],
    ["may not register", [guest, "REGISTER", anonymous], 403],
    ["may not watch", [guest, "SUBSCRIBE", anonymous], 403],
    ["may not publish", [guest, "PUBLISH", anonymous], 403],
    ["may not be a telephone", [guest, "INVITE", "<tel:+1555>"], 403],
  ])("%s", (_rule, [visitor, method, from, to, isOurs], expected) => {
    expect(status(visitor, method, from, to, isOurs)).toBe(expected);
  });
});

describe("a peer", () => {
  it.each<[string, Parameters<typeof status>, number | undefined]>([
    ["calls in the name of its own users", [peer, "INVITE", "<sip:carol@PARTNER.example>"], undefined],
    ["watches for them", [peer, "SUBSCRIBE", "<sip:carol@partner.example>"], undefined],
    ["may not speak for others", [peer, "INVITE", "<sip:carol@elsewhere.example>"], 403],
    ["may not speak for ours", [peer, "INVITE", "<sip:alice@example.com>", bob, true], 403],
    ["may not speak for a domain that has become ours", [peer, "INVITE", "<sip:carol@partner.example>", bob, true], 403],
    ["may not be anonymous", [peer, "INVITE", anonymous], 403],
    ["may not have us relay for it", [peer, "INVITE", "<sip:carol@partner.example>", { ...bob, domain: "elsewhere.example" }], 403],
    ["may not register its users here", [peer, "REGISTER", "<sip:carol@partner.example>"], 403],
  ])("%s", (_rule, [visitor, method, from, to, isOurs], expected) => {
    expect(status(visitor, method, from, to, isOurs)).toBe(expected);
  });
});

it.each([
  ["<sip:CEO@Example.COM.>", "example.com"],
  ["<sip:ceo@EXAMPLE.com>", "example.com"],
])("the domain of %s is %s, however it is written", (from, domain) => {
  expect(senderOf(receive("INVITE sip:bob@example.com", `From: ${from};tag=1`).mandatory)).toMatchObject({ domain });
});
