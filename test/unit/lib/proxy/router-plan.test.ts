import { describe, expect, it } from "vitest";
import { namesTrunk, planOfRouter } from "../../../../lib/proxy/router-plan.ts";
import type { Trunk } from "../../../../lib/routing/trunk.ts";

const trunk = {
  ...{ domain: "example.com", name: "provider", servers: [{ uri: "sip:pbx.example.net;transport=tcp", priority: 1, weight: 1 }] },
  format: "plain",
} as unknown as Trunk;
const call = { domain: "example.com", trunks: [trunk], requestUri: "sip:bob@example.com" };

describe("what a decision of a router means for a call", () => {
  it("names of users, numbers and URIs ring, each in its turn", () => {
    const targets = [
      { to: "bob" },
      { to: "jürgen", after: 2 },
      { to: "sip:x@elsewhere.example", after: 3, seconds: 20 },
      { to: "tel:+491" },
    ];
    const plan = planOfRouter({ action: "ring", targets }, call);
    expect(plan.kind === "ring" && plan.targets.map(({ contact, delay, ringTime }) => [contact, delay, ringTime])).toEqual([
      ["sip:bob@example.com", 0, undefined],
      ["sip:j%C3%BCrgen@example.com", 2000, undefined],
      ["sip:x@elsewhere.example", 3000, 20_000],
      ["tel:+491", 0, undefined],
    ]);
  });

  it("numbers go to a trunk in its format, alone or among other targets", () => {
    const retarget = { cause: "router", trunk: "provider" };
    const alone = planOfRouter({ action: "trunk", trunk: "provider", number: "+491" }, call);
    const among = planOfRouter({ action: "ring", targets: [{ to: "+491", trunk: "provider", after: 1 }] }, call);
    expect(alone).toMatchObject({ targets: [{ contact: "sip:491@pbx.example.net;transport=tcp", retarget }], headers: {} });
    expect(among).toMatchObject({ targets: [{ contact: "sip:491@pbx.example.net;transport=tcp", retarget, delay: 1000 }] });
  });

  it("another caller is asserted to the trunk, and replaces what was asserted before", () => {
    const plan = planOfRouter({ action: "trunk", trunk: "provider", number: "+491", from: "+492", headers: { "X-A": "b" } }, call);
    const append = [
      ["X-A", "b"],
      ["P-Asserted-Identity", "<sip:+492@example.com>"],
    ];
    expect(plan).toMatchObject({ headers: { remove: ["x-a", "p-asserted-identity"], append } });
  });

  it.each([
    [{ action: "trunk", trunk: "other", number: "+491" }, 'there is no trunk "other"'],
    [{ action: "ring", targets: [{ to: "bob" }, { to: "+491", trunk: "other" }] }, 'there is no trunk "other"'],
    [{ action: "ring", targets: [{ to: "sip:example.com" }] }, '"sip:example.com" is no user, number or URI'],
    [{ action: "redirect", uris: ["https://example.com"] }, '"https://example.com" is no SIP or TEL URI'],
    [{ action: "redirect", uris: ["sip:carol@example.com", "sip:%62ob@EXAMPLE.com"] }, "the redirection leads back to the same address"],
  ] as const)("%j cannot be carried out", (decision, why) => {
    expect(planOfRouter(decision, call)).toEqual({ kind: "unfit", why });
  });

  it("trunks are looked up only for decisions that name one", () => {
    expect(namesTrunk({ action: "ring", targets: [{ to: "bob" }] })).toBe(false);
    expect(namesTrunk({ action: "ring", targets: [{ to: "bob" }, { to: "+491", trunk: "provider" }] })).toBe(true);
  });
});
