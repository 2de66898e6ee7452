import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("the directory cannot be reached", () => {
  it.each(["sip:nobody@example.com", "sip:somebody@elsewhere.example"])("a call to %s is told so: 503", async (uri) => {
    scenario = await startScenario();
    scenario.world.loseDirectory();
    scenario.alice.invites(uri);
    await scenario.world.settle();
    expect([scenario.alice.state, scenario.world.faults]).toEqual(["ended 503", []]);
  });

  it("between the look-up of the user and that of his domain's trunks", async () => {
    scenario = await startScenario();
    scenario.alice.invites("sip:nobody@example.com");
    await scenario.world.settle();
    expect(scenario.alice.state).toBe("ended 404");
    scenario.world.loseDirectory();
    await scenario.world.pass(1);
    scenario.alice.invites("sip:nobody@example.com");
    await scenario.world.settle();
    expect([scenario.alice.state, scenario.world.faults]).toEqual(["ended 404", []]);
  });

  it("for eight minutes: who was called before can be called", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    alice.cancels();
    await world.settle();
    world.loseDirectory();
    await world.pass(480);
    alice.invites(bob.aor);
    await world.settle();
    expect([alice.state, bob.state, world.faults]).toEqual(["hears ringing", "ringing", []]);
  });

  it("for longer than COPY_LAST_RESORT: what was known does not count any more", async () => {
    scenario = await startScenario({ settings: { COPY_LAST_RESORT: "300" } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    alice.cancels();
    await world.settle();
    world.loseDirectory();
    await world.pass(290);
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("hears ringing");
    alice.cancels();
    await world.pass(30);
    alice.invites(bob.aor);
    await world.settle();
    expect([alice.state, world.faults]).toEqual(["ended 503", []]);
  });

  it("when a call is sent on: 500, since a 503 would speak for all of this proxy (RFC 3261 §16.7 step 6)", async () => {
    scenario = await startScenario({ rules: { bob: { forward: { noAnswer: { to: "sip:carol@example.com", after: 5 } } } } });
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    scenario.world.loseDirectory();
    await scenario.world.pass(6);
    expect([scenario.alice.state, scenario.world.faults]).toEqual(["ended 500", []]);
  });
});
