import { describe, expect, it } from "vitest";
import { incomingCall } from "../../../../lib/proxy/incoming-call.ts";
import { trunkIdentity } from "../../../../lib/routing/trunk.ts";
import { receive } from "../support/sip.ts";

const { request } = receive(
  "INVITE sip:j%C3%BCrgen@example.com",
  ...["User-Agent: JsSIP", "X-Shop: one", "X-Shop: two", "User-to-User: 00AB", "Authorization: Digest secret", "Cookie: secret"],
);
const asked = { transaction: "t", domain: "example.com", verification: undefined, started: Date.UTC(2026, 0, 1) };
const user = { home: "sip:alice@example.com#1", identity: "alice@example.com", routed: { dialled: "j%C3%BCrgen" } };

describe("a call as a router is asked about it", () => {
  it("has the called user as a decision takes it, and headers that applications exchange; no credentials", () => {
    const call = incomingCall(request, { ...asked, ...user });
    expect(call).toMatchObject({
      ...{ dialled: "j%C3%BCrgen", caller: "alice@example.com", caller_kind: "user", trunk: null, user_agent: "JsSIP" },
      ...{ headers: { "x-shop": "one", "user-to-user": "00AB" }, time: "2026-01-01T00:00:00.000Z", is_test: false },
    });
    expect(JSON.stringify(call)).not.toContain("secret");
  });

  it.each([
    ["guest", "sip:guest-abc@example.com#0", "guest-abc@example.com", {}],
    ["peer", "sip:peer-partner@example.com#0", "carol@partner.example", {}],
    ["trunk", "example.net;5060;TCP", trunkIdentity({ name: "provider", domain: "example.com" }), { trunk: "provider" }],
  ])("names the user only if it is one: a %s is none", (kind, home, identity, more) => {
    const call = incomingCall(request, { ...asked, home, identity, routed: { dialled: "bob", ...more } });
    expect([call.caller_kind, call.caller, call.trunk]).toEqual([kind, null, kind === "trunk" ? "provider" : null]);
  });

  it("says whether the number of the caller is verified, if the trunk wanted to know", () => {
    expect(incomingCall(request, { ...asked, ...user }).verification).toBeNull();
    const verification = { result: "passed", attestation: "B", originId: "x", number: "1" } as const;
    expect(incomingCall(request, { ...asked, ...user, verification }).verification).toEqual({ result: "passed", attestation: "B" });
    const failed = { result: "failed", why: "the signature is wrong" } as const;
    expect(incomingCall(request, { ...asked, ...user, verification: failed }).verification).toEqual({
      result: "failed",
      attestation: null,
    });
  });

  it("names a user of another domain of the server, who is none of the called domain", () => {
    const dora = { home: "sip:dora@example.net#1", identity: "dora@example.net", routed: { dialled: "bob" } };
    expect(incomingCall(request, { ...asked, ...dora })).toMatchObject({ caller: "dora@example.net", caller_kind: "other_domain" });
  });

  it("has at most 16 headers, each of at most 512 characters", () => {
    const many = Array.from({ length: 20 }, (_, index) => `X-${index}: ${"a".repeat(600)}`);
    const { headers } = incomingCall(receive("INVITE sip:bob@example.com", ...many).request, { ...asked, ...user });
    expect(Object.keys(headers)).toHaveLength(16);
    expect(headers["x-0"]?.length).toBeLessThanOrEqual(513);
  });
});
