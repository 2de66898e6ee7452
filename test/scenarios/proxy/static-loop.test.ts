import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

function bind(contact: string): Promise<unknown> {
  return scenario.world.homeOf("bob").handle((instance) => instance.bind({ contact, expires: 3600, q: 1 }));
}

/** His home is open, but he has no phone any more. */
async function stageWithoutBob(): Promise<Scenario> {
  scenario = await startScenario();
  scenario.bob.leaves(1001);
  await scenario.world.pass(10);
  return scenario;
}

it.each(["sip:bob@example.com", "sip:bob@EXAMPLE.com;transport=wss", "sips:bob@example.com"])(
  "an address that leads back to its own user is a loop for whoever calls: 482 (%s)",
  async (contact) => {
    await stageWithoutBob();
    await bind(contact);
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    await scenario.world.pass(5);
    expect(scenario.alice.state).toBe("ended 482");
  },
);

it("an address that leads back to its own user does not silence his phones", async () => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  await bind(bob.aor);
  alice.invites(bob.aor);
  await world.settle();
  expect(bob.calls).toHaveLength(1);
  bob.answers();
  await world.settle();
  expect(alice.state).toBe("talking");
});

it("a message to an address that leads back to its own user draws 482", async () => {
  const { alice, bob, world } = await stageWithoutBob();
  await bind(bob.aor);
  const asked = alice.asks("OPTIONS", bob.aor);
  await world.settle();
  await world.pass(5);
  expect(asked.final).toBe(482);
});
