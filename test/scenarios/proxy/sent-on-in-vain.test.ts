import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a call that was sent on to a phone that is waited for in vain does not ring for nobody later", async () => {
  const settings = { BINDING_GRACE: "60" };
  scenario = await startScenario({ settings, rules: { bob: { forward: { always: "sip:carol@example.com" } } } });
  const { alice, bob, world } = scenario;
  const carol = await scenario.joins("carol");
  carol.leaves();
  await world.settle();
  alice.invites(bob.aor);
  await world.settle();
  expect(alice.all(182)).toHaveLength(1);
  // 182 says that somebody is at it: Timer B is over without an end.
  await world.pass(40);
  expect(alice.state).toBe("calling");
  await world.pass(30);
  expect(alice.state).toBe("ended 480");
  await carol.comesOnline();
  await world.settle();
  expect(carol.state).toBe("idle");
});
