import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a phone that unregisters in a call still hears that the other has hung up", async () => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  alice.invites(bob.aor);
  await world.settle();
  bob.answers();
  await world.settle();
  bob.unregisters();
  await world.settle();
  alice.hangsUp();
  await world.settle();
  expect([alice.state, bob.state]).toEqual(["ended by bye", "ended by bye"]);
});
