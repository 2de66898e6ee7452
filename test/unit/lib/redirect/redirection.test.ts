import { describe, expect, it } from "vitest";
import { awayFrom, redirectTo } from "../../../../lib/redirect/redirection.ts";
import { target } from "../proxy/support.ts";

describe("a request is never redirected to its own Request-URI (RFC 3261 §8.3)", () => {
  it.each([
    ["sip:bob@example.com", "<sip:bob@example.com>"],
    ["sip:bob@EXAMPLE.com", '"Bob" <sip:%62ob@example.com>;q=1'],
    ["sip:bob@example.com;gr=urn:uuid:1", "<sip:bob@example.com;gr=urn:uuid:1>;q=1;expires=60"],
    ["sip:192.0.2.1:5060;transport=tcp", "<sip:192.0.2.1:5060;transport=TCP>"],
    ["tel:+49-30-123", "<tel:+4930123>"],
  ])("%s is not told %s", (requestUri, contact) => {
    expect(awayFrom(requestUri, [["Contact", contact]])).toEqual([]);
  });

  it.each([
    ["sip:bob@example.com", "<sip:bob@example.com;gr=urn:uuid:1>"],
    ["sip:bob@example.com;gr=urn:uuid:1", "<sip:bob@example.com;gr=urn:uuid:2>"],
    ["sip:bob@example.com", "<sip:bob@example.com;transport=tcp>"],
    ["sip:bob@example.com", "<sips:bob@example.com>"],
    ["sip:bob@example.com", "<mailto:bob@example.com>"],
    ["rubbish", "<sip:bob@example.com>"],
  ])("%s may be told %s", (requestUri, contact) => {
    expect(awayFrom(requestUri, [["Contact", contact]])).toHaveLength(1);
  });
});

describe("whom a redirection tells of", () => {
  const owner = { user: "bob", domain: "example.com" };
  const phone = (id: string) => target(id, { features: `;+sip.instance="<urn:uuid:${id}>"` });
  const away = target("", { contact: "sip:carol@example.com", retarget: { cause: "unconditional" } });
  const told = (requestUri: string, isGruu: boolean, ...targets: Parameters<typeof redirectTo>[0]) =>
    redirectTo(targets, { requestUri, isGruu }, owner, () => undefined)?.contacts.map(([, value]) => value.replace(/;q=.*/, ""));

  it("the phones of the user, by their GRUUs", () => {
    expect(told("sip:bob@example.com", false, phone("1"))).toEqual(["<sip:bob@example.com;gr=urn:uuid:1>"]);
  });

  it.each(["sip:bob@example.com;gr=urn:uuid:1", "sip:tgruu.AAAA@example.com;gr"])(
    "not the phone that was asked for as %s: it would go round, or tell who has it",
    (requestUri) => {
      expect(told(requestUri, true, phone("1"))).toBeUndefined();
      expect(told(requestUri, true, phone("1"), away)).toEqual(["<sip:carol@example.com>"]);
    },
  );

  it("not the user whose static binding leads to himself", () => {
    const own = target("", { contact: "sip:bob@example.com", retarget: { cause: "unknown" } });
    expect(told("sip:bob@example.com", false, own)).toBeUndefined();
    expect(told("sip:bob@example.com", false, own, away)).toEqual(["<sip:carol@example.com>"]);
  });
});
