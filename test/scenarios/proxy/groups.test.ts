import { afterEach, describe, expect, it } from "vitest";
import { headers } from "../../support/received-message.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Bob's first phone with q=1, a second one with the given q; alice calls him. */
async function calls(q: string, options: ScenarioOptions = {}) {
  scenario = await startScenario(options);
  const { alice, bob, world } = scenario;
  const second = await scenario.joins("bob", { parameters: `;q=${q}` });
  alice.invites(bob.aor);
  await world.settle();
  return { ...scenario, second };
}

describe("groups of equal q (RFC 3261 §16.6)", () => {
  it("phones of equal q ring at once", async () => {
    const { bob, second } = await calls("1.0");
    expect([bob.state, second.state]).toEqual(["ringing", "ringing"]);
  });

  it("a phone of lower q does not ring while one of higher q does", async () => {
    const { bob, second } = await calls("0.5");
    expect([bob.state, second.state]).toEqual(["ringing", "idle"]);
  });

  it("the next group rings when the first has refused, and the caller hears nothing of that", async () => {
    const { alice, bob, second, world } = await calls("0.5");
    bob.rejects(486);
    await world.settle();
    expect([alice.state, second.state]).toEqual(["hears ringing", "ringing"]);
    second.answers();
    await world.settle();
    expect([alice.state, second.state]).toEqual(["talking", "talking"]);
  });

  it("the next group rings when the first's time is over, and the first stops", async () => {
    const { alice, bob, second, world } = await calls("0.5");
    await world.pass(21);
    expect([alice.state, bob.state, second.state]).toEqual(["hears ringing", "ended 487", "ringing"]);
  });

  it("the time of a group survives the loss of all memory", async () => {
    const { second, world } = await calls("0.5");
    world.lose("kill");
    await world.settle();
    expect(second.state).toBe("idle");
    await world.pass(21);
    expect(second.state).toBe("ringing");
  });

  it("the best of all groups' responses goes up when nobody is left", async () => {
    const { alice, bob, second, world } = await calls("0.5");
    bob.rejects(486);
    await world.settle();
    second.rejects(404);
    await world.settle();
    expect(alice.state).toBe("ended 486");
  });

  it("a 6xx ends the search: the next group never rings (§16.7 step 5)", async () => {
    const { alice, bob, second, world } = await calls("0.5");
    bob.rejects(603);
    await world.settle();
    expect([alice.state, second.state]).toEqual(["ended 603", "idle"]);
  });

  it("a CANCEL ends the search: the next group never rings", async () => {
    const { alice, second, world } = await calls("0.5");
    alice.cancels();
    await world.settle();
    await world.pass(60);
    expect([alice.state, second.state]).toEqual(["ended 487", "idle"]);
  });

  it("a phone that comes while the first group rings joins it", async () => {
    const { world, joins, second } = await calls("0.5");
    const third = await joins("bob");
    await world.settle();
    expect([third.state, second.state]).toEqual(["ringing", "idle"]);
  });

  it("a late 200 of the first group still counts (RFC 3261 §16.7 step 10)", async () => {
    const { alice, bob, second, world } = await calls("0.5", { bob: { isManual: true } });
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    await world.pass(21);
    bob.answers();
    await world.settle();
    expect([alice.state, bob.state, second.state]).toEqual(["talking", "talking", "ended 487"]);
  });
});

describe("several flows of one instance (RFC 5626 §5.3)", () => {
  async function twoFlows() {
    scenario = await startScenario();
    const { bob } = scenario;
    const other = await scenario.joins("bob", { instance: bob.instance, regId: 2 });
    return { ...scenario, other };
  }

  it("are one target: it rings on one of them only", async () => {
    const { alice, bob, other, world } = await twoFlows();
    alice.invites(bob.aor);
    await world.settle();
    expect([bob.state, other.state].sort()).toEqual(["idle", "ringing"]);
  });

  it("are tried in turn: 430 leads to the next (RFC 5626 §5.3)", async () => {
    const { alice, bob, other, world } = await twoFlows();
    alice.invites(bob.aor);
    await world.settle();
    const [first, second] = other.state === "ringing" ? [other, bob] : [bob, other];
    first.rejects(430);
    await world.settle();
    expect([alice.state, second.state]).toEqual(["hears ringing", "ringing"]);
    expect(headers(second.last("INVITE"), "via")[0]).not.toBe(headers(first.last("INVITE"), "via")[0]);
  });

  it("are tried in turn: so does silence for 64*T1", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    const other = await scenario.joins("bob", { instance: bob.instance, regId: 2, isManual: true });
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(33);
    expect([bob.all("INVITE").length, other.all("INVITE").length]).toEqual([1, 1]);
  });

  it("one that is cut leaves the call to the other", async () => {
    const { alice, bob, other, world } = await twoFlows();
    alice.invites(bob.aor);
    await world.settle();
    const [first, second] = other.state === "ringing" ? [other, bob] : [bob, other];
    first.leaves();
    await world.settle();
    second.leaves();
    await second.comesOnline();
    expect(second.state).toBe("ringing");
    second.answers();
    await world.settle();
    expect(alice.state).toBe("talking");
  });
});
