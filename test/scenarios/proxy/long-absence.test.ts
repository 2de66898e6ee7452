import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
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

function rowsIn(table: string, user = "bob"): number {
  return scenario.world.homeOf(user).sql.rows(table).length;
}

describe("a laptop that sleeps for longer than the grace", () => {
  it.each([26, 600])("learns after %i seconds that the other has hung up", async (seconds) => {
    const { alice, bob, world } = await talking();
    bob.leaves();
    await world.settle();
    alice.hangsUp();
    await world.settle();
    await world.pass(seconds);
    expect(alice.all(480, "BYE")).toHaveLength(1);
    await bob.comesOnline();
    await world.settle();
    expect(bob.state).toBe("ended by bye");
    // The caller's repeated ACK, which nobody answers, has its time.
    await world.pass(30);
    expect(rowsIn("undelivered_messages")).toBe(0);
  });

  it("learns it also if the other hung up when nobody expected the phone any more", async () => {
    const { alice, bob, world } = await talking();
    bob.leaves();
    await world.pass(120);
    alice.hangsUp();
    await world.settle();
    expect(alice.all(480, "BYE")).toHaveLength(1);
    await bob.comesOnline();
    await world.settle();
    expect(bob.state).toBe("ended by bye");
  });

  it("a BYE that is said again waits once", async () => {
    const { alice, bob, world } = await talking();
    bob.leaves();
    await world.settle();
    alice.hangsUp();
    await world.settle();
    for (let count = 0; count < 3; count += 1) {
      alice.isCut();
      await world.settle();
    }
    expect(rowsIn(`undelivered_messages WHERE value LIKE '%BYE sip:%'`)).toBe(1);
  });

  it("a BYE does not wait for ever", async () => {
    const { alice, bob, world } = await talking();
    bob.leaves();
    await world.settle();
    alice.hangsUp();
    await world.pass(3700);
    expect(rowsIn("undelivered_messages")).toBe(0);
  });

  it("stops ringing when it is back, though its caller has long been told 480", async () => {
    const { alice, bob, world } = await ringing();
    bob.leaves();
    await world.pass(300);
    expect(alice.state).toBe("ended 480");
    await bob.comesOnline();
    await world.settle();
    expect(bob.state).toBe("ended 487");
  });

  it("stops ringing when it is back, though its caller has long given up", async () => {
    const { alice, bob, world } = await ringing();
    bob.leaves();
    await world.settle();
    alice.cancels();
    await world.pass(300);
    await bob.comesOnline();
    await world.settle();
    expect(bob.state).toBe("ended 487");
  });

  it("stops ringing when it is back, though the other phone's answer is long ago", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const second = await scenario.joins("bob");
    alice.invites(bob.aor);
    await world.settle();
    bob.leaves();
    await world.settle();
    second.answers();
    await world.pass(300);
    await bob.comesOnline();
    await world.settle();
    expect([bob.state, header(bob.last("CANCEL"), "reason")]).toEqual(["ended 487", 'SIP;cause=200;text="Call completed elsewhere"']);
  });
});

describe("a CANCEL that may not have arrived", () => {
  it("went into a dead connection: the phone stops ringing when it is back", async () => {
    const { alice, bob, world } = await ringing();
    world.homeOf("bob").connections[0]?.stall();
    alice.cancels();
    await world.pass(100);
    expect([alice.state, bob.state]).toEqual(["ended 487", "ringing"]);
    bob.isDeaf();
    await world.settle();
    expect(bob.state).toBe("ended 487");
  });

  it("is said again on each connection until the phone has answered it", async () => {
    const { bob, alice, world } = await ringing({ bob: { isManual: true } });
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    bob.leaves();
    await world.settle();
    alice.cancels();
    await world.settle();
    await bob.comesOnline();
    bob.isCut();
    await world.pass(5);
    expect(bob.all("CANCEL")).toHaveLength(2);
    bob.replies(bob.last("CANCEL"), 200);
    await world.settle();
    bob.isCut();
    await world.pass(5);
    expect(bob.all("CANCEL")).toHaveLength(2);
  });

  it("of a call that the phone does not know: the caller need not wait for it", async () => {
    const { bob, alice, world } = await ringing({ bob: { isManual: true } });
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    alice.cancels();
    await world.settle();
    bob.replies(bob.last("CANCEL"), 481);
    await world.settle();
    expect(alice.state).toBe("ended 487");
  });
});

describe("the caller's home alone loses everything, while it rings for more than half a minute", () => {
  it("a JsSIP has ended its call: the callee stops ringing within a minute and a grace", async () => {
    const { bob, world } = await ringing({ alice: { manners: "forgets", userAgent: "JsSIP 3.13.8" } });
    await world.pass(40);
    world.lose("abort", world.homeOf("alice"));
    await world.pass(75);
    expect(bob.state).toBe("ended 487");
  });

  it("any other goes on waiting", async () => {
    const { alice, bob, world } = await ringing();
    await world.pass(40);
    world.lose("abort", world.homeOf("alice"));
    await world.pass(75);
    expect([alice.state, bob.state]).toEqual(["hears ringing", "ringing"]);
  });
});
