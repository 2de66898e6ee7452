import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("Request-Disposition: no-cancel (RFC 3841 §9.1)", () => {
  /** Two phones of bob's ring, one answers. */
  async function answered() {
    scenario = await startScenario();
    const second = await scenario.joins("bob");
    scenario.alice.invites(scenario.bob.aor, ["Request-Disposition: no-cancel"]);
    await scenario.world.settle();
    scenario.bob.answers();
    await scenario.world.settle();
    return { ...scenario, second };
  }

  it("the other's answer reaches the caller more than a minute later", async () => {
    const { alice, second, world } = await answered();
    await world.pass(90);
    expect(second.state).toBe("ringing");
    second.answers();
    await world.settle();
    const tags = alice.all(200, "INVITE").map(({ startLine, headers }) => [startLine, headers]);
    expect(tags.length).toBeGreaterThan(1);
  });

  it("also when the memory was lost meanwhile", async () => {
    const { alice, second, world } = await answered();
    await world.pass(60);
    world.lose("evict");
    await world.pass(30);
    const before = alice.all(200, "INVITE").length;
    second.answers();
    await world.settle();
    expect(alice.all(200, "INVITE").length).toBeGreaterThan(before);
  });

  it("Timer C ends it at last (RFC 3261 §16.8)", async () => {
    const { second, world } = await answered();
    await world.pass(240);
    expect(second.all("CANCEL")).toHaveLength(1);
  });
});
