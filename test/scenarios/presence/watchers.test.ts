import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/heard.ts";
import { basics, pidf, publishes, watch } from "../../support/watching.ts";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

describe("many watchers", () => {
  it("of whom one is dead: the others are told as fast as before, and its row goes in its time", async () => {
    cast = await stage();
    const { alice, bob, world } = cast;
    const mute = await cast.joins("carol", { isManual: true });
    const gone = await cast.joins("dave");
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
    expect(world.homeOf("bob").sql.exec("SELECT id FROM subscriptions").toArray()).toEqual([]);
  });

  it("do not keep a call to the user waiting", async () => {
    cast = await stage();
    const { alice, bob, world } = cast;
    const carol = await cast.joins("carol");
    for (const watcher of [alice, carol]) for (let count = 0; count < 20; count += 1) watch(watcher, bob.aor);
    await world.settle();
    publishes(bob, pidf(bob.aor, "open", "busy"));
    carol.invites(bob.aor);
    await world.settle();
    expect([carol.state, bob.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("cost the user's home one row for each change, however many they are", async () => {
    cast = await stage();
    const { alice, bob, world } = cast;
    const carol = await cast.joins("carol");
    for (const watcher of [alice, carol]) for (let count = 0; count < 20; count += 1) watch(watcher, bob.aor);
    await world.settle();
    await world.pass(10);
    const before = world.homeOf("bob").sql.written;
    publishes(bob, pidf(bob.aor, "open", "busy"));
    await world.settle();
    // The publication, and the note that all have been told.
    expect(world.homeOf("bob").sql.written - before).toBe(2);
  });

  it("of one watcher are no more than twenty: 503", async () => {
    cast = await stage();
    const watchings = Array.from({ length: 21 }, () => watch(cast.alice, cast.bob.aor));
    await cast.world.settle();
    expect(watchings.filter(({ status }) => status() === 503)).toHaveLength(1);
  });

  it("are no more than the server allows: 503", async () => {
    cast = await stage({ settings: { MAXIMUM_WATCHERS: "1" } });
    const watchings = [watch(cast.alice, cast.bob.aor), watch(cast.alice, cast.bob.aor)];
    await cast.world.settle();
    expect(watchings.map(({ status }) => status())).toEqual([200, 503]);
  });
});

describe("notification rates (RFC 6446)", () => {
  it("max-rate: no more often than that, and then the newest state", async () => {
    cast = await stage();
    const { alice, bob, world } = cast;
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
    cast = await stage();
    const subscription = watch(cast.alice, cast.bob.aor, "presence;min-rate=0.1");
    await cast.world.settle();
    await cast.world.pass(35);
    expect(subscription.notified().length).toBeGreaterThanOrEqual(4);
  });
});

describe("conditional notification (RFC 5839)", () => {
  it("a watcher who knows the state is not told it again: 204", async () => {
    cast = await stage();
    const { alice, bob, world } = cast;
    const subscription = watch(alice, bob.aor);
    await world.settle();
    const tag = header(subscription.last(), "sip-etag") ?? "";
    subscription.refresh(600, [`Suppress-If-Match: ${tag}`]);
    await world.settle();
    expect([subscription.status(), subscription.notified().length]).toEqual([204, 1]);
    bob.leaves();
    await world.settle();
    subscription.refresh(600, [`Suppress-If-Match: ${tag}`]);
    await world.settle();
    expect([subscription.status(), subscription.notified().length]).toEqual([200, 3]);
  });
});
