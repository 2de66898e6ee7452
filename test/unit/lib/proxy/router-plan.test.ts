import { describe, expect, it } from "vitest";
import { namesTrunk, planOfRouter } from "../../../../lib/proxy/router-plan.ts";
import type { Trunk } from "../../../../lib/routing/trunk.ts";

const trunk = {
  ...{ domain: "example.com", name: "provider", servers: [{ uri: "sip:pbx.example.net;transport=tcp", priority: 1, weight: 1 }] },
  format: "plain",
} as unknown as Trunk;
const call = { domain: "example.com", trunks: [trunk], requestUri: "sip:bob@example.com", isOutside: false };

describe("what a decision of a router means for a call", () => {
  it("names of users, numbers and URIs ring, each in its turn", () => {
    const targets = [
      { to: "bob" },
      { to: "jürgen", after: 2 },
      { uri: "sip:x@elsewhere.example", after: 3, seconds: 20 },
      { uri: "tel:+491" },
    ];
    const plan = planOfRouter({ action: "ring", targets }, call);
    expect(plan.kind === "ring" && plan.targets.map(({ contact, delay, ringTime }) => [contact, delay, ringTime])).toEqual([
      ["sip:bob@example.com", 0, undefined],
      ["sip:j%C3%BCrgen@example.com", 2000, undefined],
      ["sip:x@elsewhere.example", 3000, 20_000],
      ["tel:+491", 0, undefined],
    ]);
  });

  it.each([
    ["sip:+1900@evil.example", "sip%3A+1900%40evil.example"],
    ["tel:+1900", "tel%3A+1900"],
    ["bob@evil.example;x=<y>?z", "bob%40evil.example;x=%3Cy%3E?z"],
    ["j%C3%BCrgen", "j%C3%BCrgen"],
  ])("%s in `to` is a user of the domain, and no URI", (to, user) => {
    const plan = planOfRouter({ action: "ring", targets: [{ to }, { to, trunk: "provider" }] }, call);
    expect(plan.kind === "ring" && plan.targets.map(({ contact }) => contact)).toEqual([
      `sip:${user}@example.com`,
      `sip:${user}@pbx.example.net;transport=tcp`,
    ]);
  });

  it("each address rings once, also if it is written in two ways; a number may be tried at two trunks", () => {
    const targets = [{ to: "bob" }, { to: "%62ob", after: 3 }, { uri: "sip:bob@EXAMPLE.com", after: 5 }, { uri: "sip:bob@example.net" }];
    const plan = planOfRouter({ action: "ring", targets }, call);
    expect(plan.kind === "ring" && plan.targets.map(({ contact }) => contact)).toEqual(["sip:bob@example.com", "sip:bob@example.net"]);
    const trunks = [trunk, { ...trunk, name: "second" }];
    const twice = planOfRouter(
      { action: "ring", targets: ["provider", "second"].map((name) => ({ to: "+491", trunk: name })) },
      { ...call, trunks },
    );
    expect(twice.kind === "ring" && twice.targets).toHaveLength(2);
  });

  it("numbers go to a trunk in its format, alone or among other targets", () => {
    const retarget = { cause: "router", trunk: "provider" };
    const alone = planOfRouter({ action: "trunk", trunk: "provider", number: "+491" }, call);
    const among = planOfRouter({ action: "ring", targets: [{ to: "+491", trunk: "provider", after: 1 }] }, call);
    expect(alone).toMatchObject({ targets: [{ contact: "sip:491@pbx.example.net;transport=tcp", retarget }], headers: {} });
    expect(among).toMatchObject({ targets: [{ contact: "sip:491@pbx.example.net;transport=tcp", retarget, delay: 1000 }] });
  });

  const number = { to: "+491", trunk: "provider" };
  it.each([
    [{ action: "ring", targets: [number] }, true],
    [{ action: "ring", targets: [{ to: "+491" }] }, true],
    [{ action: "ring", targets: [{ uri: "tel:+491" }] }, true],
    [{ action: "trunk", trunk: "provider", number: "+491" }, true],
    [{ action: "ring", targets: [{ ...number, any_caller: false }] }, true],
    [{ action: "ring", targets: [{ ...number, any_caller: true }] }, undefined],
    [{ action: "ring", targets: [{ to: "+491", any_caller: true }] }, undefined],
    [{ action: "trunk", trunk: "provider", number: "+491", any_caller: true }, undefined],
  ] as const)("a caller from outside uses no trunk, unless the decision allows it for every caller: %j", (decision, isWithoutTrunk) => {
    const outside = planOfRouter(decision, { ...call, isOutside: true });
    const inside = planOfRouter(decision, call);
    expect(outside.kind === "ring" && outside.targets.map(({ retarget }) => retarget?.isWithoutTrunk)).toEqual([isWithoutTrunk]);
    expect(inside.kind === "ring" && inside.targets.map(({ retarget }) => retarget?.isWithoutTrunk)).toEqual([undefined]);
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
    [{ action: "ring", targets: [{ uri: "sip:example.com" }] }, '"sip:example.com" is no URI of a user or number'],
    [{ action: "ring", targets: [{ uri: "bob" }] }, '"bob" is no URI of a user or number'],
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
