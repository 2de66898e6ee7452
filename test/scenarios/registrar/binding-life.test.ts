import { afterEach, expect, it } from "vitest";
import type { BindingView } from "../../../lib/location/binding-view.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

function bindingsOf(username: string): Promise<readonly BindingView[]> {
  return scenario.world.homeOf(username).handle((instance) => instance.bindings());
}

it("the binding of a broken connection ends after the grace, though its home has slept meanwhile", async () => {
  scenario = await startScenario();
  scenario.bob.leaves();
  await scenario.world.settle();
  await scenario.world.pass(25);
  expect(await bindingsOf("bob")).toMatchObject([{ reachable: false }]);
  await scenario.world.pass(10);
  expect(await bindingsOf("bob")).toEqual([]);
  expect(scenario.world.homeOf("bob").alarm).toBeNull();
});

it("a home that lost its connections with its memory waits once, however often it sleeps", async () => {
  scenario = await startScenario();
  scenario.bob.leaves();
  scenario.world.lose("kill");
  await bindingsOf("bob");
  await scenario.world.pass(31);
  expect(await bindingsOf("bob")).toEqual([]);
});

it("a phone that was away and is back is waited for anew after the next loss", async () => {
  scenario = await startScenario();
  const { bob, world } = scenario;
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
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
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
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  bob.leaves(code);
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(4.5);
  expect(alice.state).toBe("ended 480");
  expect(await bindingsOf("bob")).toEqual([]);
});

it("a call to a closed page goes at once where the user's rules say, when its time is over", async () => {
  scenario = await startScenario({ rules: { bob: { forward: { notRegistered: "sip:carol@example.com" } } } });
  const { alice, bob, world } = scenario;
  const carol = await scenario.joins("carol");
  bob.leaves(1001);
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(4.5);
  expect(carol.state).toBe("ringing");
});

it("a page that reloads while it is called still rings", async () => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
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
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  alice.invites(bob.aor);
  await world.settle();
  bob.leaves(1001);
  await world.settle();
  await world.pass(4.5);
  expect(alice.state).toBe("ended 480");
});

it("a caller hears that a phone is waited for, and that it rings when it is back", async () => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
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
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  await scenario.joins("bob");
  bob.leaves();
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  expect([alice.state, alice.all(182)]).toEqual(["hears ringing", []]);
});
