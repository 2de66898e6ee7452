import { afterEach, describe, expect, it } from "vitest";
import { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Scenario, type ScenarioOptions, startScenario, startRinging, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function ringing(options?: ScenarioOptions) {
  scenario = await startRinging(options);
  return scenario;
}

async function talking() {
  scenario = await startTalking();
  return scenario;
}

/** Alice is in a call with a phone that answers nothing by itself. */
async function talksTo(bob: SimulatedPhone) {
  const { alice, world } = scenario;
  const call = alice.invites(bob.aor);
  await world.settle();
  bob.replies(bob.last("INVITE"), 200, [`Contact: ${bob.contact}`]);
  await world.settle();
  if (call.dialog === undefined) throw new Error("there is no dialog");
  return { dialog: call.dialog };
}

/** The home sleeps, as it does after ten seconds; what it knows in memory is gone. */
async function sleeps(user: string, seconds = 15) {
  await scenario.world.pass(seconds);
  scenario.world.homeOf(user).evict();
}

describe("a connection that is dead without the server's knowing", () => {
  it("the caller is on another one: he hears the answer there", async () => {
    const { alice, bob, world } = await ringing();
    alice.isDeaf();
    await world.settle();
    bob.answers();
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["talking", "talking"]);
  });

  it("the caller is on another one: when the old one is noticed at last, his call rings on", async () => {
    const { alice, bob, world } = await ringing();
    const [old] = world.homeOf("alice").connections;
    alice.isDeaf();
    await world.pass(20);
    old?.cut();
    await world.pass(30);
    expect([alice.state, bob.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("the caller is away for a moment: the refusal waits, and does not go into the dead one", async () => {
    const { alice, bob, world } = await ringing();
    alice.isDeaf();
    await world.settle();
    alice.isCut();
    bob.rejects(486);
    await world.settle();
    expect(alice.state).toBe("ended 486");
  });

  it("a JsSIP is on another one: the callee stops ringing a grace later, not only when the old one is noticed", async () => {
    const { alice, bob, world } = await ringing({ alice: { manners: "forgets", userAgent: "JsSIP 3.13.8" } });
    alice.isDeaf();
    await world.pass(12);
    expect(bob.state).toBe("ended 487");
  });

  it("a refusal that went into it comes again on the next one, though the home has slept meanwhile", async () => {
    const { alice, bob, world } = await ringing();
    world.homeOf("alice").connections[0]?.stall();
    bob.rejects(486);
    await world.settle();
    await sleeps("alice");
    alice.isDeaf();
    await world.settle();
    expect(alice.state).toBe("ended 486");
  });

  it.each(["alice", "bob"] as const)("a BYE to %s that went into it comes again, though the home has slept meanwhile", async (away) => {
    const { world } = await talking();
    const [deaf, other] = away === "alice" ? [scenario.alice, scenario.bob] : [scenario.bob, scenario.alice];
    world.homeOf(away).connections[0]?.stall();
    other.hangsUp();
    await world.settle();
    expect(deaf.state).toBe("talking");
    await sleeps(away);
    deaf.isDeaf();
    await world.settle();
    expect(deaf.state).toBe("ended by bye");
  });

  it("a BYE that went into it comes again when the connection is noticed to be dead before the phone is back", async () => {
    const { alice, bob, world } = await talking();
    const [old] = world.homeOf("bob").connections;
    old?.stall();
    alice.hangsUp();
    await world.settle();
    await sleeps("bob");
    old?.cut();
    await world.settle();
    world.homeOf("bob").evict();
    bob.isDeaf();
    await world.settle();
    expect(bob.state).toBe("ended by bye");
  });

  it("a re-INVITE that went into it comes again, and its answer goes back", async () => {
    const { alice, bob, world } = await talking();
    const { dialog } = alice.call;
    if (dialog === undefined) throw new Error("there is no dialog");
    world.homeOf("bob").connections[0]?.stall();
    const held = alice.within("INVITE", dialog, [`Contact: ${alice.contact}`]);
    await world.settle();
    await sleeps("bob");
    bob.isDeaf();
    await world.settle();
    expect(held.final).toBe(200);
  });

  it("a re-INVITE comes again if only its provisional response has arrived: the final one may be lost", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    const { dialog } = await talksTo(bob);
    const held = alice.within("INVITE", dialog, [`Contact: ${alice.contact}`]);
    await world.settle();
    bob.replies(bob.last("INVITE"), 100);
    await world.settle();
    await sleeps("bob", 5);
    bob.isCut();
    await world.pass(5);
    bob.replies(bob.last("INVITE"), 200, [`Contact: ${bob.contact}`]);
    await world.settle();
    bob.isCut();
    await world.pass(5);
    // The call, the re-INVITE, and that again.
    expect([held.final, bob.all("INVITE").length]).toEqual([200, 3]);
  });

  it("what was answered does not come again", async () => {
    const { alice, bob, world } = await talking();
    const { dialog } = alice.call;
    if (dialog === undefined) throw new Error("there is no dialog");
    alice.within("INFO", dialog);
    await world.settle();
    bob.isDeaf();
    await world.pass(5);
    expect(bob.all("INFO")).toHaveLength(1);
  });
});

describe("two flows of one phone (RFC 5626 §4.2)", () => {
  it("one that closes leaves the call that was placed on it to the other", async () => {
    scenario = await startScenario({ alice: { instance: "urn:uuid:one-phone", regId: 1 } });
    const { alice, bob, world } = scenario;
    const other = await scenario.joins("alice", { instance: "urn:uuid:one-phone", regId: 2 });
    alice.invites(bob.aor);
    await world.settle();
    alice.leaves();
    await world.pass(30);
    expect(bob.state).toBe("ringing");
    bob.rejects(486);
    await world.settle();
    expect(other.all(486)).toHaveLength(1);
  });
});

describe("two pages that give themselves out for one instance", () => {
  it("each hears the answers to its own calls", async () => {
    scenario = await startScenario({ alice: { instance: "urn:uuid:one-phone" } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    const other: SimulatedPhone = await scenario.joins("alice", { instance: "urn:uuid:one-phone" });
    bob.answers();
    await world.settle();
    expect(alice.state).toBe("talking");
    expect(other.all(200, "INVITE")).toEqual([]);
  });
});
