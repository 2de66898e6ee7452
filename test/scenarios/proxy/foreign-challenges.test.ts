import { afterEach, describe, expect, it } from "vitest";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import type { Dialog } from "../../support/dialog.ts";
import { headers } from "../../support/received-message.ts";
import { type Scenario, startScenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const kinds = [
  [401, "WWW-Authenticate"],
  [407, "Proxy-Authenticate"],
] as const;

function dialogOf(desk: SimulatedPhone): Dialog {
  const { dialog } = desk.call;
  if (dialog === undefined) throw new Error(`${desk.account} has no dialog`);
  return dialog;
}

describe("phones answer any challenge with a hash of their password", () => {
  it.each(kinds)("so the other side of a call gets none by a %i to what is sent within it", async (status, name) => {
    scenario = await startTalking({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    bob.replies(bob.last("INVITE"), 200, [`Contact: ${bob.contact}`]);
    await world.settle();
    const sent = alice.within("INFO", dialogOf(alice));
    await world.settle();
    bob.replies(bob.last("INFO"), status, [`${name}: Digest realm="mine", nonce="n"`]);
    await world.settle();
    expect([sent.final, headers(alice.last(status), name.toLowerCase())]).toEqual([status, []]);
  });

  it.each(kinds)("so who is called gets none in our realm by a %i, and asks in his own", async (status, name) => {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    const challenges = ["Example.com", "elsewhere.example"].map((realm) => `${name}: Digest realm="${realm}", nonce="n"`);
    bob.rejects(status, challenges);
    await world.settle();
    expect(headers(alice.last(status), name.toLowerCase())).toEqual(['Digest realm="elsewhere.example", nonce="n"']);
  });
});
