import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a phone that was tried by its second flow gets the INVITE again when it comes back", async () => {
  scenario = await startScenario({ bob: { instance: "urn:uuid:one-phone", regId: 1, isManual: true } });
  const { alice, bob, world } = scenario;
  const other = await scenario.joins("bob", { instance: "urn:uuid:one-phone", regId: 2, isManual: true });
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(33);
  expect(bob.all("INVITE").length + other.all("INVITE").length).toBe(2);
  bob.leaves();
  other.leaves();
  await world.settle();
  const before = bob.all("INVITE").length;
  await bob.comesOnline();
  await world.settle();
  expect([alice.state, bob.all("INVITE").length - before]).toEqual(["calling", 1]);
});
