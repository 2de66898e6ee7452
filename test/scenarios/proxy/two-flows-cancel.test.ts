import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("CANCEL reaches a phone by its other flow, when the one that it rang by is gone (RFC 5626 §5.3)", async () => {
  scenario = await startScenario({ bob: { instance: "urn:uuid:one-phone", regId: 1 } });
  const { alice, bob, world } = scenario;
  const other = await scenario.joins("bob", { instance: "urn:uuid:one-phone", regId: 2, isManual: true });
  alice.invites(bob.aor);
  await world.settle();
  const [rang, spare] = bob.all("INVITE").length > 0 ? [bob, other] : [other, bob];
  if (rang === other) other.replies(other.last("INVITE"), 180);
  await world.settle();
  rang.leaves();
  await world.settle();
  alice.cancels();
  await world.settle();
  expect(spare.all("CANCEL")).toHaveLength(1);
});
