import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
import { basics, pidf, publishes, watch } from "../../support/watching.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("many watchers", () => {
  it("of whom one is dead: the others are told as fast as before, and its row goes in its time", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const mute = await scenario.joins("carol", { isManual: true });
    const gone = await scenario.joins("dave");
    const watchings = Array.from({ length: 18 }, () => watch(alice, bob.aor));
    const deaf = watch(mute, bob.aor);
    const absent = watch(gone, bob.aor);
    await world.settle();
    world.homeOf("dave").connections[0]?.stall();
    bob.leaves();
    await world.settle();
    expect(watchings.map(({ last }) => basics(last()).join())).toEqual(watchings.map(() => "closed"));
    await world.pass(700);
    expect([deaf.notified().length, absent.notified().length]).toEqual([3, 1]);
    expect(world.homeOf("bob").sql.rows("subscriptions")).toEqual([]);
  });

  it("do not keep a call to the user waiting", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    for (const watcher of [alice, carol]) for (let count = 0; count < 20; count += 1) watch(watcher, bob.aor);
    await world.settle();
    publishes(bob, pidf(bob.aor, "open", "busy"));
    carol.invites(bob.aor);
    await world.settle();
    expect([carol.state, bob.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("cost the user's home one row for each change, however many they are", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    for (const watcher of [alice, carol]) for (let count = 0; count < 20; count += 1) watch(watcher, bob.aor);
    await world.settle();
    await world.pass(10);
    const before = world.homeOf("bob").sql.written;
    publishes(bob, pidf(bob.aor, "open", "busy"));
    await world.settle();
    // The publication, and the note that all have been told.
    expect(world.homeOf("bob").sql.written - before).toBe(2);
  });

  it("of one watcher are no more than twenty: 480", async () => {
    scenario = await startScenario();
    const watchings = Array.from({ length: 21 }, () => watch(scenario.alice, scenario.bob.aor));
    await scenario.world.settle();
    expect(watchings.filter(({ status }) => status() === 480)).toHaveLength(1);
  });

  it("are no more than the server allows: 480", async () => {
    scenario = await startScenario({ settings: { MAXIMUM_WATCHERS: "1" } });
    const watchings = [watch(scenario.alice, scenario.bob.aor), watch(scenario.alice, scenario.bob.aor)];
    await scenario.world.settle();
    expect(watchings.map(({ status }) => status())).toEqual([200, 480]);
  });
});

describe("notification rates (RFC 6446)", () => {
  it("max-rate: no more often than that, and then the newest state", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const subscription = watch(alice, bob.aor, "presence;max-rate=0.05");
    await world.settle();
    bob.leaves();
    await world.pass(2);
    await bob.comesOnline();
    await world.pass(2);
    bob.leaves();
    await world.pass(2);
    expect(subscription.notified()).toHaveLength(1);
    await world.pass(20);
    expect([subscription.notified().length, basics(subscription.last())]).toEqual([2, ["closed"]]);
  });

  it("min-rate: at least that often, though nothing has changed", async () => {
    scenario = await startScenario();
    const subscription = watch(scenario.alice, scenario.bob.aor, "presence;min-rate=0.1");
    await scenario.world.settle();
    await scenario.world.pass(35);
    expect(subscription.notified().length).toBeGreaterThanOrEqual(4);
  });

  it("adaptive-min-rate: after many notifications the next one may be late, on average there are as many (§7.4)", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const subscription = watch(alice, bob.aor, "presence;adaptive-min-rate=0.1", [], 7200);
    await world.settle();
    await world.pass(100);
    const before = subscription.notified().length;
    expect(before).toBeGreaterThanOrEqual(9);
    expect(before).toBeLessThanOrEqual(13);
    for (let count = 0; count < 15; count += 1) {
      publishes(bob, pidf(bob.aor, "open", count % 2 === 0 ? "busy" : "away"), ["Expires: 3600"]);
      await world.pass(1);
    }
    const burst = subscription.notified().length;
    await world.pass(15);
    expect(subscription.notified()).toHaveLength(burst);
    await world.pass(120);
    expect(subscription.notified().length - burst).toBeGreaterThanOrEqual(8);
  });

  it("what is done is said in Subscription-State (§8.3)", async () => {
    scenario = await startScenario();
    const subscription = watch(scenario.alice, scenario.bob.aor, "presence;max-rate=0.5;min-rate=0.01");
    await scenario.world.settle();
    expect(header(subscription.last(), "subscription-state")).toBe("active;expires=600;max-rate=0.5;min-rate=0.01");
  });
});

describe("conditional notification (RFC 5839)", () => {
  const matching = (tag: string) => [`Suppress-If-Match: ${tag}`];

  /** Alice watches bob, and knows the tag of what she has been told. */
  async function watching(rules?: unknown) {
    scenario = await startScenario({ rules: { bob: rules } });
    const subscription = watch(scenario.alice, scenario.bob.aor);
    await scenario.world.settle();
    return { ...scenario, subscription, tag: header(subscription.last(), "sip-etag") ?? "" };
  }

  it("a watcher who knows the state is not told it again: 204", async () => {
    const { alice, bob, world, subscription, tag } = await watching();
    subscription.refresh(600, matching(tag));
    await world.settle();
    expect([subscription.status(), subscription.notified().length]).toEqual([204, 1]);
    expect(header(alice.last(204), "sip-etag")).toBe(tag);
    bob.leaves();
    await world.settle();
    subscription.refresh(600, matching(tag));
    await world.settle();
    expect([subscription.status(), subscription.notified().length]).toEqual([200, 3]);
  });

  it("nor if he takes any state for known: *; but he is told what changes", async () => {
    const { bob, world, subscription } = await watching();
    subscription.refresh(600, matching("*"));
    await world.settle();
    expect([subscription.status(), subscription.notified().length]).toEqual([204, 1]);
    bob.leaves();
    await world.settle();
    expect(basics(subscription.last())).toEqual(["closed"]);
  });

  it("one who ends his subscription and knows the state hears nothing more (§5.7)", async () => {
    const { bob, world, subscription } = await watching();
    subscription.refresh(0, matching("*"));
    await world.settle();
    bob.leaves();
    await world.pass(5);
    expect([subscription.status(), subscription.notified().length]).toEqual([204, 1]);
    expect(world.homeOf("bob").sql.rows("subscriptions")).toEqual([]);
  });

  it.each([
    ["subscribes anew", 600, /^active;/],
    ["asks once", 0, /^terminated;reason=timeout$/],
  ])(
    "one who %s and knows the state is told so without it (§6.2): 204 is for dialogs that are there (§7.1)",
    async (_rule, expires, state) => {
      const { alice, bob, world, tag } = await watching();
      const second = watch(alice, bob.aor, "presence", matching(tag), expires);
      await world.settle();
      expect([second.status(), second.notified().length, second.last().body]).toEqual([200, 1, ""]);
      expect(header(second.last(), "subscription-state")).toMatch(state);
      expect(header(second.last(), "sip-etag")).toBe(tag);
    },
  );

  it.each([
    ["pending", { watching: { default: "confirm", watchers: {} } }],
    ["blocked politely", { watching: { default: "polite-block", watchers: {} } }],
  ])("a watcher who is %s has a tag that does not change, and hears of no change", async (_rule, rules) => {
    const { bob, world, subscription, tag } = await watching(rules);
    expect(tag).not.toBe("");
    bob.leaves();
    await world.settle();
    subscription.refresh(600, matching(tag));
    await world.settle();
    expect([subscription.status(), subscription.notified().length]).toEqual([204, 1]);
  });
});
