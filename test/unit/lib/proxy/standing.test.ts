import { describe, expect, it } from "vitest";
import { type Standing, shownTo, standingOf, standingOfServer, takenFrom, takenFromElsewhere } from "../../../../lib/proxy/standing.ts";
import { receive } from "../support/sip.ts";

const senders = ["subscriber", "guest", "server", "trusted server"] as const satisfies readonly Standing[];
const receivers = senders;

/** Header, then from whom it passes, then to whom. */
const table: readonly (readonly [string, string, readonly Standing[], readonly Standing[]])[] = [
  ["P-Asserted-Identity", "<sip:ceo@example.com>", ["trusted server"], ["subscriber", "trusted server"]],
  ["Remote-Party-ID", '"CEO" <sip:ceo@example.com>;party=calling', ["trusted server"], ["subscriber", "trusted server"]],
  ["P-Asserted-Service", "urn:urn-7:3gpp-service.ims.icsi.mmtel", ["trusted server"], ["subscriber", "trusted server"]],
  ["P-Called-Party-ID", "<sip:ceo@example.com>", ["trusted server"], ["subscriber", "trusted server"]],
  ["P-Charging-Vector", "icid-value=1", ["trusted server"], ["subscriber", "trusted server"]],
  ["P-Charge-Info", "<sip:ceo@example.com>", ["trusted server"], ["subscriber", "trusted server"]],
  ["X-Charge-Info", "<sip:ceo@example.com>", ["trusted server"], ["subscriber", "trusted server"]],
  ["P-DCS-Billing-Info", "1/2@x.example", ["trusted server"], ["subscriber", "trusted server"]],
  ["Isup-OLI", "00", ["trusted server"], ["subscriber", "trusted server"]],
  ["Attestation-Info", "A", ["trusted server"], ["subscriber", "trusted server"]],
  ["Reply-To", "<sip:ceo@example.com>", ["subscriber", "server", "trusted server"], receivers],
  ["P-Preferred-Identity", "<sip:ceo@example.com>", [], receivers],
  ["P-Preferred-Service", "urn:urn-7:3gpp-service.ims.icsi.mmtel", [], receivers],
  ["Diversion", "<sip:ceo@example.com>;reason=user-busy", ["trusted server"], receivers],
  ["History-Info", "<sip:ceo@example.com>;index=1", ["subscriber", "server", "trusted server"], receivers],
  ["Referred-By", "<sip:ceo@example.com>", ["subscriber", "server", "trusted server"], receivers],
  ["Alert-Info", "<http://x.example>;info=alert-autoanswer", ["subscriber", "trusted server"], receivers],
  ["Call-Info", "<sip:x>;answer-after=0", ["subscriber", "trusted server"], receivers],
  ["Answer-Mode", "Auto", ["subscriber", "trusted server"], receivers],
  ["Priv-Answer-Mode", "Auto", ["subscriber", "trusted server"], receivers],
  ["P-Auto-Answer", "normal", ["subscriber", "trusted server"], receivers],
  ["X-Auto-Answer", "true", ["subscriber", "trusted server"], receivers],
  ["X-AutoAnswer", "true", ["subscriber", "trusted server"], receivers],
  ["AUTO-ANSWER", "true", ["subscriber", "trusted server"], receivers],
  ["Answer-After", "0", ["subscriber", "trusted server"], receivers],
  ["X-Vendor-AnswerAfter", "0", ["subscriber", "trusted server"], receivers],
  ["P-Answer-State", "Unconfirmed", ["subscriber", "trusted server"], receivers],
  ["User-to-User", "00AB;encoding=hex", ["subscriber", "server", "trusted server"], receivers],
  ["Identity", "eyJhbGciOiJFUzI1NiJ9;info=<https://x.example>;alg=ES256", ["server", "trusted server"], receivers],
  ["Identity-Info", "<https://x.example>;alg=rsa-sha1", ["server", "trusted server"], receivers],
  ["Subject", "hello", senders, receivers],
];

describe("headers that say who calls, or have a phone do something", () => {
  it.each(table.flatMap(([name, value, from]) => senders.map((sender) => [name, sender, from.includes(sender), value] as const)))(
    "%s of a %s passes: %s",
    (name, sender, passes, value) => {
      const { request } = receive("INVITE sip:bob@example.com", `${name}: ${value}`);
      expect(takenFrom(request, sender)).toEqual(passes ? [] : [name.toLowerCase()]);
    },
  );

  it.each(table.flatMap(([name, value, , to]) => receivers.map((receiver) => [name, receiver, to.includes(receiver), value] as const)))(
    "%s is shown to a %s: %s",
    (name, receiver, isShown, value) => {
      const { request } = receive("INVITE sip:bob@example.com", `${name}: ${value}`);
      expect(shownTo(request, receiver).includes(`${name}: `)).toBe(isShown);
    },
  );

  it.each(["X-AutoAnswer", "Answer-After", "Alert-Info"])("%s of a user of another domain of this server does not pass", (name) => {
    const { request } = receive("INVITE sip:bob@example.com", `${name}: 0`, "Subject: answer", "X-Note: answer");
    expect(takenFromElsewhere(request)).toEqual([name.toLowerCase()]);
  });

  it("what a trusted server asserts is taken off too for a caller who wants that (RFC 3325 §5)", () => {
    const lines = ["P-Asserted-Identity: <sip:ceo@example.com>", "remote-PARTY-id: <sip:ceo@example.com>", "Privacy: id"];
    const { request } = receive("INVITE sip:bob@example.com", ...lines);
    expect(takenFrom(request, "trusted server")).toEqual(["p-asserted-identity", "remote-party-id"]);
  });

  it.each(["server", "trusted server"] as const)("a signature names the caller, who may not want that (RFC 8224 §11): %s", (sender) => {
    const { request } = receive("INVITE sip:bob@example.com", "y: a.b.c;info=<https://x.example>", "Privacy: id");
    expect(takenFrom(request, sender)).toEqual(["identity"]);
  });
});

it("a flow without visitor is a subscriber's, a guest is never trusted", () => {
  expect(standingOf(undefined)).toBe("subscriber");
  expect(standingOf({ kind: "guest", isTrusted: true })).toBe("guest");
  expect([standingOf({ kind: "peer", isTrusted: true }), standingOf({ kind: "peer", isTrusted: false })]).toEqual([
    standingOfServer(true),
    standingOfServer(false),
  ]);
});
