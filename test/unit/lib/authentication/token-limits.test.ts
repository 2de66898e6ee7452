import { describe, expect, it } from "vitest";
import { refuseScope, refuseTarget } from "../../../../lib/authentication/token-limits.ts";

describe("the scope of a token", () => {
  it.each([
    ["REGISTER", ["register"], undefined],
    ["PUBLISH", ["register"], undefined],
    ["REGISTER", ["call", "watch"], 403],
    ["INVITE", ["call"], undefined],
    ["MESSAGE", ["call"], undefined],
    ["INVITE", ["register", "watch"], 403],
    ["REFER", ["register", "watch"], 403],
    ["X-UNKNOWN", ["register", "watch"], 403],
    ["SUBSCRIBE", ["watch"], undefined],
    ["SUBSCRIBE", ["register", "call"], 403],
    ["OPTIONS", ["call"], undefined],
    ["OPTIONS", ["register", "watch"], 403],
  ] as const)("%s with %j: %s", (method, scope, status) => {
    expect(refuseScope({ scope }, method)?.status).toBe(status);
  });

  it("is everything if there is none", () => {
    expect(refuseScope({}, "REGISTER")).toBeUndefined();
  });
});

describe("the targets of a token", () => {
  const targets = ["bob@example.com", "carol@other.example", "+4930*@example.com", "4711@example.com"];

  it.each([
    ["bob", "example.com", undefined],
    ["bob", "other.example", 403],
    ["carol", "other.example", undefined],
    ["bobby", "example.com", 403],
    ["Bob", "example.com", 403],
    ["+493012", "example.com", undefined],
    ["+49-30-12", "example.com", undefined],
    ["+4930", "example.com", undefined],
    ["+49", "example.com", 403],
    ["+4930evil", "example.com", 403],
    ["+493012", "other.example", 403],
    ["4711", "example.com", undefined],
    ["47-11", "example.com", undefined],
    ["47110", "example.com", 403],
    ["", "example.com", 403],
  ])("INVITE %s at %s: %s", (user, domain, status) => {
    expect(refuseTarget({ targets }, "INVITE", { user, domain })?.status).toBe(status);
    expect(refuseTarget({ targets }, "MESSAGE", { user, domain })?.status).toBe(status);
  });

  it("are none for what neither calls nor writes, and for a token without them", () => {
    const to = { user: "dave", domain: "example.com" };
    for (const method of ["SUBSCRIBE", "PUBLISH"]) expect(refuseTarget({ targets }, method, to)).toBeUndefined();
    expect(refuseTarget({}, "INVITE", to)).toBeUndefined();
    expect(refuseTarget({ targets: [] }, "INVITE", to)?.status).toBe(403);
  });
});
