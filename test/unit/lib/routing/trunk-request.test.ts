import { describe, expect, it } from "vitest";
import { fromForTrunk, linesForTrunk } from "../../../../lib/routing/trunk-request.ts";
import { receive } from "../support/sip.ts";

describe("From towards a trunk", () => {
  it.each([
    ["nothing", {}, "<sip:a@b>;tag=1", undefined],
    [
      "the user",
      { from_user: "+49" },
      '"A; <sip:a@b>" <sip:a:pw@b:5061;transport=tcp>;tag=1',
      '"A; <sip:a@b>" <sip:+49@b:5061;transport=tcp>;tag=1',
    ],
    ["the host, without the port of the old one", { from_domain: "p.example" }, "sip:a@b:5061;tag=1", "<sip:a@p.example>;tag=1"],
    ["both of a tel URI", { from_user: "+49", from_domain: "p.example" }, "<tel:+1-2>;tag=1", "<sip:+49@p.example>;tag=1"],
    ["the host of a tel URI", { from_domain: "p.example" }, "<tel:+1-2>;tag=1", "<sip:+1-2@p.example>;tag=1"],
    ["not of a tel URI without a host", { from_user: "+49" }, "<tel:+1-2>;tag=1", undefined],
    ["not of an anonymous caller", { from_user: "+49" }, "<sip:anonymous@Anonymous.Invalid>;tag=1", undefined],
    ["not of another URI", { from_user: "+49" }, "<mailto:a@b>;tag=1", undefined],
    ["not of what cannot be read", { from_user: "+49" }, '"a', undefined],
  ])("changes %s", (_what, trunk, from, changed) => {
    expect(fromForTrunk(from, trunk)).toBe(changed);
  });
});

describe("the header lines of a trunk", () => {
  const { request } = receive("INVITE sip:4930@pbx.example");

  it("have the caller and the number", () => {
    const lines = [{ name: "X-A", value: "{user}/{domain}/{number}/{other}" }];
    expect(linesForTrunk(request, lines, "a@b@c.example")).toEqual({ remove: ["x-a"], append: [["X-A", "a@b/c.example/4930/{other}"]] });
  });

  it("name no user for a call of another trunk, and begin no line", () => {
    const lines = [{ name: "X-A", value: "{user}.{domain}" }];
    expect(linesForTrunk(request, lines, "trunk:t@c.example").append).toEqual([["X-A", ".c.example"]]);
    expect(linesForTrunk(request, lines, "a\r\nb@c").append).toEqual([["X-A", "ab.c"]]);
  });
});
