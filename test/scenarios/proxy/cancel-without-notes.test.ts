import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("CANCEL, where the caller's home has lost its notes with its sockets (RFC 3261 §9.1)", () => {
  it("finds the call by whom it was for", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    world.lose("abort", world.homeOf("alice"));
    await world.settle();
    alice.cancels();
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
  });

  it("finds it where a route of the domain has led it", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    world.route("reception", { order: 1, match: { user: { prefix: "reception" } }, action: { kind: "local", user: "bob" } });
    alice.invites("sip:reception@example.com");
    await world.settle();
    expect(bob.state).toBe("ringing");
    world.lose("abort", world.homeOf("alice"));
    await world.settle();
    alice.cancels();
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
  });
});

describe("the callee's home has taken the INVITE, and no receipt arrives", () => {
  it("the caller is told 500, since others may be reached (RFC 3261 §16.7 step 6), and the callee does not go on ringing", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    world.loseReceipts(world.homeOf("bob"), 3);
    alice.invites(bob.aor);
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["ended 500", "ended 487"]);
  });
});
