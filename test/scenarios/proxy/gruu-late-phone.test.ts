import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a call to one instance's GRUU does not ring another phone that registers meanwhile (RFC 5627 §6.1)", async () => {
  scenario = await startScenario();
  const gruu = `sip:bob@example.com;gr=${scenario.bob.instance}`;
  scenario.alice.invites(gruu);
  await scenario.world.settle();
  expect(scenario.bob.state).toBe("ringing");
  const second = await scenario.joins("bob");
  await scenario.world.settle();
  expect(second.state).toBe("idle");
});
