import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startRinging } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("a caller's page that reloads while it rings", () => {
  it.each([0.1, 6])("has given its call up: the callee stops ringing when it is back after %d s", async (seconds) => {
    scenario = await startRinging();
    const { alice, bob, world } = scenario;
    alice.leaves(1001);
    await world.pass(seconds);
    await scenario.joins("alice", { instance: alice.instance });
    await world.settle();
    expect(bob.state).toBe("ended 487");
  });

  it("has given it up also if its old connection is missed only later", async () => {
    scenario = await startRinging();
    const { alice, bob, world } = scenario;
    await scenario.joins("alice", { instance: alice.instance });
    alice.leaves();
    await world.settle();
    expect(bob.state).toBe("ended 487");
  });

  it("keeps it if it is the same page on a new connection", async () => {
    scenario = await startRinging();
    const { alice, bob, world } = scenario;
    alice.isCut();
    await world.settle();
    await world.pass(15);
    expect(bob.state).toBe("ringing");
    bob.answers();
    await world.settle();
    expect(alice.state).toBe("talking");
  });
});
