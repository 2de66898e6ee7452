import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("the 200 of an old call is not said again when the callee's network blinks later", async () => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(10);
  bob.answers();
  await world.settle();
  alice.hangsUp();
  await world.pass(60);
  const before = alice.all(200, "INVITE").length;
  world.lose("evict");
  await world.pass(1000);
  world.lose("evict");
  bob.isCut();
  await world.pass(20);
  expect(alice.all(200, "INVITE").length - before).toBe(0);
});
