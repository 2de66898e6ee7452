import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a caller's Reject-Contact does not make a registered user absent for his rules", async () => {
  scenario = await startScenario({
    rules: { bob: { forward: { notRegistered: "sip:carol@example.com" } } },
    bob: { parameters: ";audio" },
  });
  const carol = await scenario.joins("carol");
  scenario.alice.invites(scenario.bob.aor, ["Reject-Contact: *;audio"]);
  await scenario.world.settle();
  expect([scenario.bob.state, carol.state]).toEqual(["idle", "idle"]);
});
