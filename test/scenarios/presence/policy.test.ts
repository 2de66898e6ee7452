import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
import { basics, watch } from "../../support/watching.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice watches bob, who lets her or not. */
async function watching(watchingRules: unknown) {
  scenario = await startScenario({ rules: { bob: { watching: watchingRules } } });
  const subscription = watch(scenario.alice, scenario.bob.aor);
  await scenario.world.settle();
  return { ...scenario, subscription };
}

describe("who may watch a user (RFC 5025 §3.2.1)", () => {
  it("whom he blocks is refused: 403", async () => {
    const { subscription } = await watching({ watchers: { "alice@example.com": "block" } });
    expect([subscription.status(), subscription.notified()]).toEqual([403, []]);
  });

  it("the most particular rule holds", async () => {
    const { subscription } = await watching({ default: "block", watchers: { "*@example.com": "block", "alice@example.com": "allow" } });
    expect(subscription.status()).toBe(200);
  });

  it("whom he blocks politely sees him closed, for ever", async () => {
    const { subscription, bob, world } = await watching({ watchers: { "*@example.com": "polite-block" } });
    expect([subscription.status(), basics(subscription.last())]).toEqual([200, ["closed"]]);
    bob.leaves();
    await world.settle();
    expect(basics(subscription.last())).toEqual(["closed"]);
  });

  it("who has to be confirmed is pending, and sees nothing", async () => {
    const { subscription } = await watching({ default: "confirm", watchers: {} });
    const notify = subscription.last();
    expect([subscription.status(), header(notify, "subscription-state"), notify.body]).toEqual([200, "pending;expires=600", ""]);
  });

  it("a rule that changes holds at once", async () => {
    const { subscription, world, bob } = await watching({ default: "confirm", watchers: {} });
    await world.changeRules("bob", { watching: { watchers: { "alice@example.com": "allow" } } });
    await world.settle();
    expect([header(subscription.last(), "subscription-state"), basics(subscription.last())]).toEqual(["active;expires=600", ["open"]]);
    await world.changeRules("bob", { watching: { default: "block", watchers: {} } });
    await world.settle();
    expect([header(subscription.last(), "subscription-state"), subscription.last().body]).toEqual(["terminated;reason=rejected", ""]);
    const before = subscription.notified().length;
    bob.leaves();
    await world.pass(5);
    expect(subscription.notified()).toHaveLength(before);
  });

  it("the user always sees himself", async () => {
    scenario = await startScenario({ rules: { bob: { watching: { default: "block", watchers: {} } } } });
    const subscription = watch(scenario.bob, scenario.bob.aor);
    await scenario.world.settle();
    expect(subscription.status()).toBe(200);
  });
});

describe("watcher information (RFC 3857)", () => {
  it("tells the user who watches him, and who waits to be let", async () => {
    scenario = await startScenario({ rules: { bob: { watching: { watchers: { "carol@example.com": "confirm" } } } } });
    const winfo = watch(scenario.bob, scenario.bob.aor, "presence.winfo");
    await scenario.world.settle();
    const carol = await scenario.joins("carol");
    watch(carol, scenario.bob.aor);
    const first = watch(scenario.alice, scenario.bob.aor);
    await scenario.world.settle();
    const { body } = winfo.last();
    expect(body).toMatch(/status="pending">sip:carol@example\.com</);
    expect(body).toMatch(/status="active">sip:alice@example\.com</);
    first.refresh(0);
    await scenario.world.settle();
    expect(winfo.last().body).not.toContain("alice");
  });

  /** Carol wants to watch bob, who has not said whether she may, and does not in time. */
  async function unanswered(expires: number) {
    scenario = await startScenario({ rules: { bob: { watching: { watchers: { "carol@example.com": "confirm" } } } } });
    const carol = await scenario.joins("carol");
    watch(carol, scenario.bob.aor, "presence", [], expires);
    await scenario.world.settle();
    await scenario.world.pass(expires + 5);
    const winfo = watch(scenario.bob, scenario.bob.aor, "presence.winfo", [], 7200);
    await scenario.world.settle();
    return { ...scenario, carol, winfo, waits: () => / event="timeout" status="waiting">sip:carol@example\.com</.test(winfo.last().body) };
  }

  it.each([600, 0])("tells him later of one whom he did not answer in time (§4.7.1 waiting), who asked for %i seconds", async (expires) => {
    const { waits, world, winfo } = await unanswered(expires);
    expect(waits()).toBe(true);
    world.lose("evict");
    winfo.refresh(7200);
    await world.settle();
    expect(waits()).toBe(true);
    await world.changeRules("bob", { watching: { watchers: { "carol@example.com": "allow" } } });
    await world.settle();
    expect([waits(), winfo.last().body.includes("carol")]).toEqual([false, false]);
  });

  it("not any more when she asks again: she is pending", async () => {
    const { waits, carol, bob, world, winfo } = await unanswered(0);
    watch(carol, bob.aor);
    await world.settle();
    expect(waits()).toBe(false);
    expect(winfo.last().body).toMatch(/status="pending">sip:carol@example\.com</);
  });

  it("nor after a week", async () => {
    const { waits, world, bob } = await unanswered(0);
    expect(waits()).toBe(true);
    bob.leaves();
    await world.pass(7 * 86_400);
    await bob.comesOnline();
    const late = watch(bob, bob.aor, "presence.winfo");
    await world.settle();
    expect(late.last().body).not.toContain("carol");
  });

  it("is the user's own business: 403", async () => {
    scenario = await startScenario();
    const winfo = watch(scenario.alice, scenario.bob.aor, "presence.winfo");
    await scenario.world.settle();
    expect(winfo.status()).toBe(403);
  });
});
