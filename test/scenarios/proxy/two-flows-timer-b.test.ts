import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a phone with two flows that has said 180 is not given up by Timer B because the flow it rang by is gone", async () => {
  scenario = await startScenario({ bob: { instance: "urn:uuid:one-phone", regId: 1 } });
  const { alice, bob, world } = scenario;
  const other = await scenario.joins("bob", { instance: "urn:uuid:one-phone", regId: 2, isManual: true });
  alice.invites(bob.aor);
  await world.settle();
  const rang = bob.all("INVITE").length > 0 ? bob : other;
  if (rang === other) other.replies(other.last("INVITE"), 180);
  await world.settle();
  rang.leaves();
  await world.pass(100);
  expect(alice.state).toBe("hears ringing");
});
