import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice, who may have one call at a time, has called bob, and her phone has said its INVITE again on its next connection. */
async function saidAgain() {
  scenario = await startScenario({ rules: { alice: { maximumCalls: 1 } } });
  const { alice, bob, world } = scenario;
  const { invite } = alice.invites(bob.aor);
  await world.settle();
  alice.isCut();
  await world.settle();
  if (invite === undefined) throw new Error("there is no INVITE");
  const again = alice.sends("INVITE", invite.uri, invite.lines, "", invite.branch);
  await world.settle();
  return { ...scenario, again };
}

it("an INVITE that is said again is the same call: it is not refused as one too many", async () => {
  const { alice, bob, again } = await saidAgain();
  expect([again.final, alice.state, bob.state, bob.all("INVITE").length]).toEqual([0, "hears ringing", "ringing", 1]);
});

it("an INVITE that is said again is cancelled once", async () => {
  const { alice, bob, world } = await saidAgain();
  alice.cancels();
  await world.settle();
  expect([alice.state, bob.state, bob.all("CANCEL").length]).toEqual(["ended 487", "ended 487", 1]);
});
