import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice has called bob, whose phone names two others in its 302. */
async function deflected(lines: readonly string[]) {
  scenario = await startScenario({ settings: { RECURSE_ON_REDIRECT: "true" } });
  const { alice, bob, world } = scenario;
  const others = [await scenario.joins("carol"), await scenario.joins("dave")];
  alice.invites(bob.aor, lines);
  await world.settle();
  bob.rejects(302, ["Contact: <sip:carol@example.com>, <sip:dave@example.com>"]);
  await world.settle();
  return others.filter(({ state }) => state === "ringing").length;
}

describe("recursion on 3xx", () => {
  it("tries each address", async () => {
    expect(await deflected([])).toBe(2);
  });

  it("has no more branches at a time than Max-Breadth allows (RFC 5393 §5.3.3)", async () => {
    expect(await deflected(["Max-Breadth: 1"])).toBe(1);
  });
});
