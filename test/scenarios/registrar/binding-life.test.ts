import { afterEach, expect, it } from "vitest";
import type { ShownBinding } from "../../../lib/location/shown-binding.ts";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

function bindingsOf(username: string): Promise<readonly ShownBinding[]> {
  return cast.world.homeOf(username).handle((instance) => instance.bindings());
}

it("the binding of a broken connection ends after the grace, though its home has slept meanwhile", async () => {
  cast = await stage();
  cast.bob.leaves();
  await cast.world.settle();
  await cast.world.pass(25);
  expect(await bindingsOf("bob")).toMatchObject([{ reachable: false }]);
  await cast.world.pass(10);
  expect(await bindingsOf("bob")).toEqual([]);
  expect(cast.world.homeOf("bob").alarm).toBeNull();
});

it("a home that lost its connections with its memory waits once, however often it sleeps", async () => {
  cast = await stage();
  cast.bob.leaves();
  cast.world.lose("kill");
  await bindingsOf("bob");
  await cast.world.pass(31);
  expect(await bindingsOf("bob")).toEqual([]);
});

it("a phone that was away and is back is waited for anew after the next loss", async () => {
  cast = await stage();
  const { bob, world } = cast;
  bob.leaves();
  await world.settle();
  await world.pass(20);
  await bob.comesOnline();
  await world.pass(100);
  world.lose("kill");
  bob.leaves();
  expect(await bindingsOf("bob")).toHaveLength(1);
  await world.pass(20);
  expect(await bindingsOf("bob")).toHaveLength(1);
});

it("a call that comes while a phone is waited for waits no longer than that", async () => {
  cast = await stage();
  const { alice, bob, world } = cast;
  bob.leaves();
  await world.settle();
  await world.pass(20);
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(9);
  expect(alice.state).toBe("calling");
  await world.pass(2);
  expect(alice.state).toBe("ended 480");
});

it.each([1000, 1001])("a call to a phone that closed its connection with %i is refused within 5 s", async (code) => {
  cast = await stage();
  const { alice, bob, world } = cast;
  bob.leaves(code);
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(4.5);
  expect(alice.state).toBe("ended 480");
  expect(await bindingsOf("bob")).toEqual([]);
});

it("a call to a closed page goes at once where the user's rules say, when its time is over", async () => {
  cast = await stage({ rules: { bob: { forward: { notRegistered: "sip:carol@example.com" } } } });
  const { alice, bob, world } = cast;
  const carol = await cast.joins("carol");
  bob.leaves(1001);
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(4.5);
  expect(carol.state).toBe("ringing");
});

it("a page that reloads while it is called still rings", async () => {
  cast = await stage();
  const { alice, bob, world } = cast;
  bob.leaves(1001);
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(2);
  await bob.comesOnline();
  await world.settle();
  expect(bob.state).toBe("ringing");
});

it("a phone that closes its connection while it rings is waited for 4 s", async () => {
  cast = await stage();
  const { alice, bob, world } = cast;
  alice.invites(bob.aor);
  await world.settle();
  bob.leaves(1001);
  await world.settle();
  await world.pass(4.5);
  expect(alice.state).toBe("ended 480");
});

it("a caller hears that a phone is waited for, and that it rings when it is back", async () => {
  cast = await stage();
  const { alice, bob, world } = cast;
  bob.leaves();
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  expect(alice.last(182).startLine).toBe("SIP/2.0 182 Waiting for the phone to come back");
  await bob.comes();
  await world.settle();
  expect([alice.state, alice.all(182).length]).toEqual(["hears ringing", 1]);
});

it("a caller hears no such thing where another phone rings", async () => {
  cast = await stage();
  const { alice, bob, world } = cast;
  await cast.joins("bob");
  bob.leaves();
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  expect([alice.state, alice.all(182)]).toEqual(["hears ringing", []]);
});
