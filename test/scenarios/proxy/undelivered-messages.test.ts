import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("what waits for a phone that is away for a moment", () => {
  it("a flood of requests does not crowd out the BYE of a call", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    bob.leaves();
    await world.settle();
    const flood = Array.from({ length: 300 }, () => carol.asks("OPTIONS", bob.aor));
    await world.settle();
    alice.hangsUp();
    await world.settle();
    await bob.comesOnline();
    expect([bob.state, flood.filter(({ final }) => final === 480).length]).toEqual(["ended by bye", 260]);
  });

  it("one sender does not take the places of another", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    bob.leaves();
    await world.settle();
    for (let count = 0; count < 100; count += 1) carol.asks("OPTIONS", bob.aor);
    const own = alice.asks("OPTIONS", bob.aor);
    await world.settle();
    await bob.comesOnline();
    await world.settle();
    expect(own.final).toBe(200);
  });

  it("is not said again once the phone has answered", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.settle();
    alice.asks("OPTIONS", bob.aor);
    await world.settle();
    await bob.comesOnline();
    await world.settle();
    bob.isCut();
    await world.pass(5);
    expect(bob.all("OPTIONS")).toHaveLength(1);
  });

  it("is said again on the next connection as long as the phone has not answered", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.settle();
    alice.asks("OPTIONS", bob.aor);
    await world.settle();
    await bob.comesOnline();
    bob.isCut();
    await world.pass(5);
    expect(bob.all("OPTIONS")).toHaveLength(2);
  });

  it("a callee who says a great deal does not crowd out his own refusal", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    alice.leaves();
    await world.settle();
    for (let count = 0; count < 60; count += 1) bob.replies(bob.last("INVITE"), 183, [`X-Count: ${count}`]);
    bob.rejects(486);
    await world.settle();
    await alice.comesOnline();
    await world.settle();
    expect([alice.state, alice.all(183).length]).toEqual(["ended 486", 1]);
  });

  it("a refusal is not taken for the ringing that waited before it", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.take(1);
    alice.isCut();
    await world.settle();
    expect(bob.state).toBe("ringing");
    bob.rejects(486);
    await world.take(3);
    alice.isCut();
    await world.settle();
    expect(alice.state).toBe("ended 486");
  });

  it("a refusal that the caller has acknowledged is not said again", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    alice.leaves();
    await world.settle();
    bob.rejects(486);
    await world.settle();
    await alice.comesOnline();
    await world.settle();
    alice.isCut();
    await world.pass(5);
    expect(alice.all(486)).toHaveLength(1);
  });
});
