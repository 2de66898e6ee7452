import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a forwarded call rings on when another phone of the third registers", async () => {
  scenario = await startScenario({ rules: { bob: { forward: { always: "sip:carol@example.com" } } } });
  const carol = await scenario.joins("carol");
  scenario.alice.invites("sip:bob@example.com");
  await scenario.world.settle();
  await scenario.joins("carol");
  await scenario.world.pass(15);
  expect([scenario.alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
});
