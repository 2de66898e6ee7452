import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a phone that the caller rejects does not ring by registering meanwhile (RFC 3841 §7.2.4)", async () => {
  scenario = await startScenario();
  scenario.alice.invites(scenario.bob.aor, ["Reject-Contact: *;automata"]);
  await scenario.world.settle();
  const second = await scenario.joins("bob", { parameters: ";automata" });
  await scenario.world.settle();
  expect([scenario.bob.state, second.state]).toEqual(["ringing", "idle"]);
});
