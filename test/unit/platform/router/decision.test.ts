import { describe, expect, it } from "vitest";
import { readDecision } from "../../../../platform/router/decision.ts";

const target = { to: "bob" };

describe("a decision of a router", () => {
  it.each([
    [{ action: "continue" }],
    [
      {
        action: "continue",
        headers: { "User-to-User": "00;encoding=hex", "x-y": "ä", "Alert-Info": "<urn:alert:x>", "Call-Info": "<https://x>" },
      },
    ],
    [
      {
        action: "ring",
        targets: [target, { uri: "sip:carol@example.com", after: 2.5, seconds: 20 }, { to: "sip:x@y" }, { to: "+491", trunk: "provider" }],
      },
    ],
    [{ action: "trunk", trunk: "provider", number: "+491", from: "+492" }],
    [{ action: "redirect", uris: ["sip:a@example.com", "tel:+491"] }],
    [{ action: "reject", status: 699 }],
    [{ action: "reject", status: 400, reason: "Not Today" }],
  ])("is taken: %j", (decision) => {
    expect(readDecision(decision)).toEqual(decision);
  });

  it("has no members that mean nothing", () => {
    expect(readDecision({ action: "continue", more: 1, __proto__: { x: 1 } })).toEqual({ action: "continue" });
  });

  it.each([
    [undefined],
    [null],
    ["continue"],
    [[]],
    [{}],
    [{ action: "Continue" }],
    [{ action: "ring" }],
    [{ action: "ring", targets: [] }],
    [{ action: "ring", targets: Array.from({ length: 21 }, () => target) }],
    [{ action: "ring", targets: [{}] }],
    [{ action: "ring", targets: [{ to: "" }] }],
    [{ action: "ring", targets: [{ to: "bob\r\nX: y" }] }],
    [{ action: "ring", targets: [{ to: "bob smith" }] }],
    [{ action: "ring", targets: [{ ...target, after: -1 }] }],
    [{ action: "ring", targets: [{ ...target, after: Number.NaN }] }],
    [{ action: "ring", targets: [{ ...target, seconds: 0 }] }],
    [{ action: "ring", targets: [{ ...target, seconds: "20" }] }],
    [{ action: "trunk", trunk: "provider" }],
    [{ action: "ring", targets: [{ to: "bob", uri: "sip:bob@example.com" }] }],
    [{ action: "ring", targets: [{ uri: "sip:bob@example.com", trunk: "provider" }] }],
    [{ action: "ring", targets: [{ uri: "sip:b@c>,<sip:d@e" }] }],
    [{ action: "ring", targets: [{ to: "1".repeat(129) }] }],
    [{ action: "trunk", trunk: "provider", number: "1\r\nX: y" }],
    [{ action: "trunk", trunk: "provider", number: "1", from: "" }],
    [{ action: "reject", status: 401 }],
    [{ action: "reject", status: 407 }],
    [{ action: "reject", status: 503 }],
    [{ action: "redirect", uris: [] }],
    [{ action: "redirect", uris: ["sip:a@b>,<sip:c@d"] }],
    [{ action: "redirect", uris: ["sip:a@b\r\nX: y"] }],
    [{ action: "reject" }],
    [{ action: "reject", status: 399 }],
    [{ action: "reject", status: 700 }],
    [{ action: "reject", status: 480.5 }],
    [{ action: "reject", status: 480, reason: "a\r\nb" }],
    [{ action: "continue", headers: [["X-A", "b"]] }],
    [{ action: "continue", headers: { "X-A": 1 } }],
    [{ action: "continue", headers: { "X-A": "b\r\nRoute: <sip:evil.example>" } }],
    [{ action: "continue", headers: { "X-A": "b\nc" } }],
    [{ action: "continue", headers: { "X-A": "\0" } }],
    [{ action: "continue", headers: { "X-A: b\r\nX-B": "c" } }],
    [{ action: "continue", headers: { "X-": "c" } }],
    [{ action: "continue", headers: { Route: "<sip:evil.example>" } }],
    [{ action: "continue", headers: { "P-Asserted-Identity": "<sip:chief@example.com>" } }],
    [{ action: "continue", headers: { "X-A": "b".repeat(513) } }],
    [{ action: "continue", headers: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`X-${index}`, ""])) }],
  ])("is refused: %j", (sent) => {
    expect(() => readDecision(sent)).toThrow(/^its decision is not valid/);
  });
});
