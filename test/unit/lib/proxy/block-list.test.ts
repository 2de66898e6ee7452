import { describe, expect, it } from "vitest";
import { refuseBlocked, refuseUnverified } from "../../../../lib/proxy/block-list.ts";
import { trunkIdentity } from "../../../../lib/routing/trunk.ts";
import { receive } from "../support/sip.ts";

const provider = trunkIdentity({ name: "provider", domain: "example.com" });
const status = (blocked: readonly string[], from: string, identity = provider) => {
  const { request, mandatory } = receive("INVITE sip:bob@example.com", `From: <${from}>;tag=1`);
  return refuseBlocked(blocked, identity, request, mandatory)?.status;
};

describe("a blocked number", () => {
  it.each([
    ["+49301234@provider.example", "sip:+49301234@provider.example", 603],
    ["+49301234@provider.example", "sip:+49-30-1234@provider.example", 603],
    ["+49301234@provider.example", "sip:+49301234;phone-context=x@PROVIDER.example;user=phone", 603],
    ["+49-30-1234@provider.example", "sip:+49301234@provider.example", 603],
    ["*@provider.example", "sip:+49301234@provider.example", 603],
    ["+49301234@provider.example", "sip:+49301235@provider.example", undefined],
    ["+49301234@provider.example", "sip:+49301234@other.example", undefined],
  ])("%s is blocked however a trunk writes it: %s", (blocked, from, refusal) => {
    expect(status([blocked], from)).toBe(refusal);
  });

  it("is no user whose name is written like it", () => {
    expect(status(["9901@example.com"], "sip:99-01@example.com", "99-01@example.com")).toBeUndefined();
    expect(status(["99-01@example.com"], "sip:99-01@example.com", "99-01@example.com")).toBe(603);
  });
});

describe("a user who takes only verified callers", () => {
  const failed = { result: "failed", status: 438, reason: "Invalid Identity Header", why: "the signature is wrong" } as const;
  const unsigned = { result: "none", status: 428, reason: "Use Identity Header", why: "the call has no Identity header" } as const;

  it.each([
    ["a verified one", { result: "passed" } as const, undefined],
    ["one whose signature is wrong", failed, 438],
    ["one without a signature", unsigned, 428],
    ["one who was not to be verified", undefined, undefined],
  ])("%s", (_what, verification, expected) => {
    expect(refuseUnverified(["unverified"], verification)?.status).toBe(expected);
    expect(refuseUnverified(["anonymous"], verification)).toBeUndefined();
  });

  it("tells why, by the status and reason of RFC 8224 §6.2.2", () => {
    expect(refuseUnverified(["unverified"], failed)).toMatchObject({
      reason: "Invalid Identity Header",
      fault: "only calls with a verified number are accepted: the signature is wrong",
    });
  });
});
