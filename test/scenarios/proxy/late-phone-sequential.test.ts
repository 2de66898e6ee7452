import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a phone that registers meanwhile does not ring beside another one where the caller wants one after the other (RFC 3841 §9.1)", async () => {
  scenario = await startScenario();
  scenario.alice.invites(scenario.bob.aor, ["Request-Disposition: sequential"]);
  await scenario.world.settle();
  const late = await scenario.joins("bob");
  await scenario.world.settle();
  expect([scenario.bob.state, late.state]).toEqual(["ringing", "idle"]);
});
