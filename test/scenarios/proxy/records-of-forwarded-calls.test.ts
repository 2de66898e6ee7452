import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compose } from "../../support/compose.ts";
import { copiedLines, dialogOfCallee } from "../../support/dialog.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario & { readonly carol: SimulatedPhone };
beforeEach(async () => {
  const started = await startScenario();
  scenario = { ...started, carol: await started.joins("carol") };
});
afterEach(() => scenario.world.end());

/** Alice calls bob. His phone rings beside a static binding to carol, who answers; the tag of her answer is known to him. */
async function answeredElsewhere() {
  const { alice, bob, carol, world } = scenario;
  await world.homeOf("bob").handle((instance) => instance.bind({ contact: carol.aor, expires: 3600, q: 1 }));
  alice.invites(bob.aor);
  await world.settle();
  const invite = bob.last("INVITE");
  carol.answers();
  await world.settle();
  expect([alice.state, bob.state, carol.state]).toEqual(["talking", "ended 487", "talking"]);
  const local = carol.call.dialog?.local ?? "";
  return { invite, tag: /;tag=([^;>]+)/.exec(local)?.[1] ?? "" };
}

/** The call goes on for a minute; then it is ended. */
async function recordAfterAMinute(hangsUp: SimulatedPhone) {
  const { world } = scenario;
  await world.pass(60);
  expect(world.callRecords()).toEqual([]);
  hangsUp.hangsUp();
  await world.settle();
  const [record, ...more] = world.callRecords();
  expect(more).toEqual([]);
  return { by: record?.endedBy, isWhole: (record?.ended ?? 0) - (record?.answered ?? 0) >= 60_000 };
}

describe("the record of a call that another address has answered", () => {
  it.each(["caller", "callee"] as const)("ends with the BYE of the %s", async (by) => {
    await answeredElsewhere();
    expect(await recordAfterAMinute(by === "caller" ? scenario.alice : scenario.carol)).toEqual({ by, isWhole: true });
  });

  it("does not end with a BYE of a phone that rang beside it, which this server refuses", async () => {
    const { invite, tag } = await answeredElsewhere();
    const { bob, alice, world } = scenario;
    const bye = bob.within("BYE", dialogOfCallee(invite, tag));
    await world.settle();
    expect([bye.final, alice.all("BYE")]).toEqual([481, []]);
    expect(await recordAfterAMinute(alice)).toEqual({ by: "caller", isWhole: true });
  });

  it("does not end when a phone that rang beside it answers late with the tag of the answer, and goes", async () => {
    const { invite, tag } = await answeredElsewhere();
    const { bob, alice, world } = scenario;
    bob.sendsText(compose("SIP/2.0 200 OK", [...copiedLines(invite, tag), `Contact: ${bob.contact}`]));
    await world.settle();
    bob.leaves();
    await world.pass(200);
    expect(await recordAfterAMinute(alice)).toEqual({ by: "caller", isWhole: true });
  });

  it("is one, if the address is one of the same user", async () => {
    const { alice, bob, world } = scenario;
    await world.homeOf("bob").handle((instance) => instance.bind({ contact: "sip:bob@example.com;transport=ws", expires: 3600, q: 0.1 }));
    alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    expect(await recordAfterAMinute(bob)).toEqual({ by: "callee", isWhole: true });
  });
});
