import { afterEach, describe, expect, it } from "vitest";
import { cseqMethod, header } from "../../support/received-message.ts";
import { setting } from "../../support/setting.ts";
import { type Scenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("a call whose phone has lost its connection", () => {
  it.each([
    ["the caller", "alice", "bob"],
    ["the callee", "bob", "alice"],
  ] as const)("is ended two minutes later: %s has gone", async (_who, gone, stays) => {
    scenario = await startTalking();
    const { world } = scenario;
    scenario[gone].leaves();
    await world.pass(119);
    expect(scenario[stays].state).toBe("talking");
    await world.pass(2);
    expect(scenario[stays].state).toBe("ended by bye");
    const bye = scenario[stays].last("BYE");
    expect(header(bye, "reason")).toBe('SIP;cause=480;text="the other side has lost its connection"');
    expect(header(bye, "from")).toBe(scenario[stays].call.dialog?.remote);
    expect(header(bye, "to")).toBe(scenario[stays].call.dialog?.local);
  });

  it("is ended after a grace where the page was closed", async () => {
    scenario = await startTalking();
    scenario.alice.leaves(1001);
    await scenario.world.pass(29);
    expect(scenario.bob.state).toBe("talking");
    await scenario.world.pass(2);
    expect(scenario.bob.state).toBe("ended by bye");
  });

  it("goes on if the phone is back in time, however often its home has slept", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    alice.leaves();
    await world.pass(110);
    await alice.comes();
    await world.pass(300);
    expect([alice.state, bob.state]).toEqual(["talking", "talking"]);
    bob.hangsUp();
    await world.settle();
    expect(alice.state).toBe("ended by bye");
  });

  it("is over for the phone as well that comes back later", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    alice.leaves();
    await world.pass(200);
    expect(bob.state).toBe("ended by bye");
    await alice.comes();
    await world.settle();
    expect(alice.state).toBe("ended by bye");
    expect(header(alice.last("BYE"), "from")).toBe(alice.call.dialog?.remote);
  });

  it.each([false, true])(
    "is over for a phone that comes back later, also when both phones are of one user; evicted: %s",
    async (isEvicted) => {
      scenario = await startTalking();
      const { alice, bob, world } = scenario;
      bob.hangsUp();
      await world.settle();
      const other = await scenario.joins("alice");
      const calling = alice.invites(alice.aor);
      await world.settle();
      other.answers();
      await world.settle();
      expect([calling.state, other.state]).toEqual(["talking", "talking"]);
      alice.leaves();
      await world.pass(125);
      expect(other.state).toBe("ended by bye");
      if (isEvicted) world.lose("evict", world.homeOf("alice"));
      await world.pass(30);
      await alice.comes();
      await world.settle();
      expect(calling.state).toBe("ended by bye");
    },
  );

  it("is ended soon when its page is loaded anew: that one knows nothing of it", async () => {
    scenario = await startTalking();
    await scenario.alice.reloads();
    await scenario.world.pass(5);
    expect(scenario.bob.state).toBe("ended by bye");
    expect(scenario.alice.all("BYE")).toEqual([]);
  });

  it("goes on where another page of the same phone comes first, and then the old one again", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    alice.leaves();
    await world.settle();
    const other = await scenario.joins("alice", { instance: alice.instance });
    await world.pass(2);
    await alice.comes();
    await world.pass(200);
    expect([alice.state, bob.state, other.state]).toEqual(["talking", "talking", "idle"]);
  });

  it.each(["abort", "evict"] as const)("is ended though the home is lost while it waits: %s", async (loss) => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    alice.leaves();
    await world.pass(60);
    world.lose(loss, world.homeOf("alice"));
    await world.pass(62);
    expect(bob.state).toBe("ended by bye");
  });

  it("is ended once the other home can be reached again", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    alice.leaves();
    await world.pass(100);
    world.loseReceipts(world.homeOf("bob"), 3);
    await world.pass(60);
    expect(bob.state).toBe("ended by bye");
    expect(bob.all("BYE").length).toBeGreaterThan(0);
    expect(world.faults).toEqual([]);
  });

  it("is not ended where nobody wants that, or it was hung up meanwhile", async () => {
    scenario = await startTalking({ settings: { DEAD_CALL_TIME: "0" } });
    scenario.alice.leaves();
    await scenario.world.pass(600);
    expect(scenario.bob.state).toBe("talking");
    scenario.world.end();
    scenario = await startTalking();
    scenario.alice.leaves();
    await scenario.world.pass(60);
    scenario.bob.hangsUp();
    await scenario.world.settle();
    await scenario.world.pass(200);
    expect(scenario.bob.heard.filter((one) => cseqMethod(one) === "BYE" && one.status === 0)).toEqual([]);
  });

  it("counts no more for a user with so many calls, and leaves nothing behind", async () => {
    scenario = await startTalking({ rules: { alice: { maximumCalls: 1 } } });
    const { alice, bob, world } = scenario;
    alice.leaves(1001);
    await world.pass(40);
    await alice.comes();
    await world.settle();
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("hears ringing");
    alice.cancels();
    await world.pass(4000);
    const left = ["suspended_calls", "active_calls"].flatMap((table) => world.homeOf("alice").sql.rows(table));
    expect(left).toEqual([]);
  });
});

describe("the domain of a phone that has lost its connection", () => {
  it.each([20, 900])("may have a time of its own after which the call is ended: %i s", async (endLostCalls) => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    world.domainSettings({ endLostCalls });
    alice.leaves();
    await world.pass(endLostCalls - 1);
    expect([bob.state, world.callRecords()]).toEqual(["talking", []]);
    await world.pass(2);
    expect(bob.state).toBe("ended by bye");
    expect(world.callRecords()).toMatchObject([{ endedBy: "network" }]);
  });

  it("is asked in vain while the directory is away: the call ends as usual", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    world.domainSettings({ endLostCalls: 900 });
    world.loseDirectory();
    alice.leaves();
    await world.pass(121);
    expect(bob.state).toBe("ended by bye");
    world.restoreDirectory();
  });
});

it("sends the BYE again every five seconds, and no sooner, if it cannot be delivered", async () => {
  scenario = await startTalking();
  const { alice, bob, world } = scenario;
  world.loseReceipts(world.homeOf("bob"), 100_000);
  alice.leaves();
  await world.pass(121);
  const before = bob.all("BYE").length;
  await world.pass(60);
  // Each is posted three times.
  expect(bob.all("BYE").length - before).toBeLessThan(40);
  expect(bob.all("BYE").length - before).toBeGreaterThan(10);
});

setting("DEAD_CALL_TIME", 20, 1200, "a call whose phone has lost its connection is ended after so long", async (value) => {
  scenario = await startTalking({ settings: { DEAD_CALL_TIME: String(value) } });
  const { alice, bob, world } = scenario;
  alice.leaves();
  await world.pass(value - 1);
  expect(bob.state).toBe("talking");
  await world.pass(2);
  expect(bob.state).toBe("ended by bye");
});
