import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";
import { losses } from "../world/world.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function silent(): Promise<Scenario> {
  scenario = await startScenario({ bob: { isManual: true } });
  scenario.alice.invites(scenario.bob.aor);
  await scenario.world.settle();
  return scenario;
}

async function ringing(): Promise<Scenario> {
  scenario = await startScenario();
  scenario.alice.invites(scenario.bob.aor);
  await scenario.world.settle();
  return scenario;
}

describe("Timer B (RFC 3261 §17.1.1.2)", () => {
  it("a phone that says nothing is given up after 64*T1: 408", async () => {
    const { alice, world } = await silent();
    await world.pass(31);
    expect(alice.state).toBe("calling");
    await world.pass(2);
    expect(alice.state).toBe("ended 408");
  });

  it("a phone that has said 100 is not given up", async () => {
    const { alice, bob, world } = await silent();
    bob.replies(bob.last("INVITE"), 100);
    await world.settle();
    await world.pass(60);
    expect(alice.state).toBe("calling");
  });

  it("one silent phone does not end the call that another one rings for", async () => {
    const { alice, world, joins } = await silent();
    const second = await joins("bob");
    await world.pass(60);
    expect([alice.state, second.state]).toEqual(["hears ringing", "ringing"]);
  });

  it.each(losses)("runs on over the loss of memory: %s", async (loss) => {
    const { alice, world } = await silent();
    world.lose(loss, world.homeOf("bob"));
    await world.settle();
    await world.pass(40);
    expect(alice.state).toBe("ended 408");
  });
});

describe("Timer C (RFC 3261 §16.6 step 11, §16.8)", () => {
  it.each([8, 31, 33, 600])("is as long as RING_TIMEOUT says: %d s", async (seconds) => {
    scenario = await startScenario({ settings: { RING_TIMEOUT: String(seconds) } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(seconds - 1);
    expect(alice.state).toBe("hears ringing");
    await world.pass(2);
    expect([alice.state.slice(0, 5), bob.state]).toEqual(["ended", "ended 487"]);
  });

  it("a phone may ring for three minutes", async () => {
    const { alice, world } = await ringing();
    await world.pass(180);
    expect(alice.state).toBe("hears ringing");
  });

  it("then it is cancelled, and its 487 goes up", async () => {
    const { alice, bob, world } = await ringing();
    await world.pass(190);
    expect(bob.all("CANCEL")).toHaveLength(1);
    expect(alice.state).toBe("ended 487");
  });

  it("is set anew by each provisional response but 100 (§16.7 step 2)", async () => {
    const { alice, bob, world } = await ringing();
    await world.pass(150);
    bob.replies(bob.last("INVITE"), 183);
    await world.settle();
    await world.pass(100);
    expect(alice.state).toBe("hears ringing");
    await world.pass(100);
    expect(alice.state).toBe("ended 487");
  });

  it("is not set anew by a 100 (§16.7 step 2)", async () => {
    const { alice, bob, world } = await ringing();
    await world.pass(150);
    bob.replies(bob.last("INVITE"), 100);
    await world.settle();
    await world.pass(40);
    expect(alice.state).toBe("ended 487");
  });

  it.each(["evict", "abort", "kill"] as const)("runs on over the loss of memory: %s", async (loss) => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    world.lose(loss, world.homeOf("bob"));
    await world.settle();
    await world.pass(230);
    expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
  });
});

describe("the graces", () => {
  it("a phone that is away when the call comes is waited for", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.settle();
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(20);
    await bob.comesOnline();
    expect([alice.state, bob.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("in vain: 480", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.settle();
    alice.invites(bob.aor);
    await world.pass(31);
    expect(alice.state).toBe("ended 480");
  });

  it("a phone that goes while it rings is waited for, in vain: 480", async () => {
    const { alice, bob, world } = await ringing();
    bob.leaves();
    await world.settle();
    await world.pass(31);
    expect(alice.state).toBe("ended 480");
  });

  it("a caller who vanishes: a grace later the callee stops ringing", async () => {
    const { alice, bob, world } = await ringing();
    alice.leaves();
    await world.settle();
    expect(bob.all("CANCEL")).toHaveLength(0);
    await world.pass(11);
    expect(bob.all("CANCEL")).toHaveLength(1);
  });

  it("a caller who is back within the grace goes on waiting", async () => {
    const { alice, bob, world } = await ringing();
    alice.leaves();
    await world.settle();
    await world.pass(5);
    await alice.comesOnline();
    await world.pass(60);
    expect([alice.state, bob.all("CANCEL").length]).toEqual(["hears ringing", 0]);
    bob.answers();
    await world.settle();
    expect(alice.state).toBe("talking");
  });

  it("a JsSIP caller who is back has forgotten his call: it stops ringing", async () => {
    scenario = await startScenario({ alice: { manners: "forgets", userAgent: "JsSIP 3.13.8" } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    alice.isCut();
    await world.settle();
    await world.pass(11);
    expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
  });

  it("a JsSIP caller under another name is known by what it supports", async () => {
    scenario = await startScenario({ alice: { manners: "forgets" } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor, ["Supported: timer,ice,replaces,outbound"]);
    await world.settle();
    alice.isCut();
    await world.settle();
    await world.pass(11);
    expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
  });

  it("a JsSIP caller whose home crashes with its socket: the callee's home asks, and it stops ringing", async () => {
    scenario = await startScenario({ alice: { manners: "forgets", userAgent: "JsSIP 3.13.8" } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    world.lose("abort", world.homeOf("alice"));
    await world.settle();
    await world.pass(50);
    expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
  });
});
