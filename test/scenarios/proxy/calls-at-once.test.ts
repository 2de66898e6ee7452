import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice has called bob, who may have one call at a time, and he has answered. */
async function talking() {
  scenario = await startTalking({ rules: { bob: { maximumCalls: 1 } } });
  return scenario;
}

function rows(user = "bob"): number {
  return scenario.world.homeOf(user).sql.rows("active_calls").length;
}

async function nextCallIs(account: string) {
  const dave = await scenario.joins("dave");
  dave.invites(`sip:${account}@example.com`);
  await scenario.world.settle();
  return dave.state;
}

describe("how many calls a user has", () => {
  it("a call whose phone has gone for good is not counted beyond the grace", async () => {
    const { bob, world } = await talking();
    bob.leaves();
    await world.pass(40);
    await scenario.joins("bob");
    expect(await nextCallIs("bob")).toBe("hears ringing");
  });

  it("a phone that has started anew has no calls (RFC 3261 §10.2.4: its REGISTER has another Call-ID)", async () => {
    const { bob } = await talking();
    bob.leaves();
    await scenario.joins("bob", { instance: bob.instance });
    expect(await nextCallIs("bob")).toBe("hears ringing");
  });

  it("a call goes on when its phone comes back on another socket", async () => {
    const { bob, world } = await talking();
    bob.isCut();
    await world.pass(40);
    expect(await nextCallIs("bob")).toBe("ended 486");
  });

  it.each(["kill", "abort"] as const)("a call is counted after a crash that takes its phone's connection: %s", async (loss) => {
    const { bob, world } = await talking();
    await world.pass(60);
    world.lose(loss, world.homeOf("bob"));
    await world.settle();
    expect([bob.isRegistered, await nextCallIs("bob")]).toEqual([true, "ended 486"]);
    bob.hangsUp();
    await world.settle();
    scenario.alice.invites(bob.aor);
    await world.settle();
    expect([scenario.alice.state, rows()]).toEqual(["hears ringing", 0]);
  });

  it("a call is counted while its phone is away, though the home sleeps meanwhile", async () => {
    const { bob, world } = await talking();
    const second = await scenario.joins("bob");
    bob.leaves();
    await world.settle();
    world.homeOf("bob").evict();
    expect([second.isRegistered, await nextCallIs("bob")]).toEqual([true, "ended 486"]);
  });

  it("a call whose phone does not come back after a crash is not counted beyond the grace", async () => {
    const { bob, world } = await talking();
    bob.leaves();
    world.lose("kill");
    await scenario.joins("bob");
    await world.pass(40);
    expect([await nextCallIs("bob"), rows()]).toEqual(["hears ringing", 0]);
  });

  it("a limit costs two rows a call", async () => {
    const written = async (rules: Readonly<Record<string, unknown>>) => {
      scenario = await startScenario({ rules });
      const before = scenario.world.homeOf("bob").sql.written;
      scenario.alice.invites(scenario.bob.aor);
      await scenario.world.settle();
      scenario.bob.answers();
      await scenario.world.settle();
      scenario.bob.hangsUp();
      await scenario.world.settle();
      const after = scenario.world.homeOf("bob").sql.written;
      scenario.world.end();
      return after - before;
    };
    expect((await written({ bob: { maximumCalls: 1 } })) - (await written({}))).toBe(2);
  });

  it("a call of a user without a limit has no row", async () => {
    scenario = await startScenario();
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    scenario.bob.answers();
    await scenario.world.settle();
    expect([rows(), rows("alice")]).toEqual([0, 0]);
  });

  it("a 200 that comes again behind the BYE begins no call", async () => {
    const { bob, world } = await talking();
    bob.hangsUp();
    await world.settle();
    bob.replies(bob.last("INVITE"), 200, [`Contact: ${bob.contact}`]);
    await world.settle();
    expect(await nextCallIs("bob")).toBe("hears ringing");
  });

  it("a call that has ended without BYE is not counted for ever", async () => {
    const { bob, world } = await talking();
    await world.pass(4 * 3600);
    bob.isCut();
    await world.pass(5);
    expect(await nextCallIs("bob")).toBe("hears ringing");
  });

  it("a call that he places counts for calls that come", async () => {
    scenario = await startScenario({ rules: { bob: { maximumCalls: 1 } } });
    scenario.bob.invites(scenario.alice.aor);
    await scenario.world.settle();
    expect([scenario.alice.state, await nextCallIs("bob")]).toEqual(["ringing", "ended 486"]);
  });

  it("a call that rings counts for calls that he places", async () => {
    scenario = await startScenario({ rules: { bob: { maximumCalls: 1 } } });
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    const carol = await scenario.joins("carol");
    scenario.bob.invites(carol.aor);
    await scenario.world.settle();
    expect(scenario.bob.state).toBe("ended 403");
  });

  it("a call that was sent on does not count, whoever it rings at", async () => {
    const dave = "sip:dave@example.com";
    scenario = await startScenario({ rules: { bob: { maximumCalls: 1, forward: { noAnswer: { to: dave, after: 5 } } } } });
    await scenario.joins("dave");
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    await scenario.world.pass(6);
    const carol = await scenario.joins("carol");
    carol.invites(scenario.bob.aor);
    await scenario.world.settle();
    expect([scenario.alice.state, carol.state]).toEqual(["hears ringing", "hears ringing"]);
  });

  it("a call between two of his phones is one", async () => {
    scenario = await startScenario({ rules: { bob: { maximumCalls: 1 } } });
    const second = await scenario.joins("bob");
    scenario.bob.invites(second.aor);
    await scenario.world.settle();
    expect([scenario.bob.state, second.state]).toEqual(["hears ringing", "ringing"]);
  });
});
