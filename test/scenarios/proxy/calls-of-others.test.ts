import { afterEach, describe, expect, it } from "vitest";
import { shortSdp } from "../../support/compose.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Dialog, dialogOfCallee } from "../../support/dialog.ts";
import { header } from "../../support/received-message.ts";
import { type Scenario, startScenario, startRinging, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

function dialogOf(desk: SimulatedPhone): Dialog {
  const { dialog } = desk.call;
  if (dialog === undefined) throw new Error(`${desk.account} has no dialog`);
  return dialog;
}

const tagIn = (party: string) => /tag=([^;]+)/.exec(party)?.[1] ?? "";

describe("a stranger who knows Call-ID and tags of a call", () => {
  const methods = ["INVITE", "SUBSCRIBE", "REFER"] as const;
  const ends = ["alice", "bob"] as const;

  /** Carol asks one end for a dialog that looks like the one of the call. */
  async function forges(method: string, whom: SimulatedPhone, callId: string, fromTag: string) {
    const { world } = scenario;
    const carol = await scenario.joins("carol");
    const before = whom.heard.length;
    const lines = [`From: <${carol.aor}>;tag=${fromTag}`, `To: <${whom.aor}>`, `Call-ID: ${callId}`, `CSeq: 7 ${method}`];
    const more = [`Contact: ${carol.contact}`, "Event: check", "Refer-To: <sip:x@example.com>", "Content-Type: application/sdp"];
    const sent = carol.sends(method, whom.aor, [...lines, ...more], method === "INVITE" ? shortSdp : "");
    await world.settle();
    return { carol, sent, heard: whom.heard.slice(before).map(({ startLine }) => startLine) };
  }

  it.each(ends.flatMap((end) => methods.map((method) => [method, end] as const)))(
    "gets no route into it from %s to %s, who talks: 482",
    async (method, end) => {
      scenario = await startTalking();
      const { callId, local } = dialogOf(scenario[end === "bob" ? "alice" : "bob"]);
      const { sent, heard } = await forges(method, scenario[end], callId, tagIn(local));
      expect([sent.final, heard]).toEqual([482, []]);
      expect([scenario.alice.state, scenario.bob.state]).toEqual(["talking", "talking"]);
    },
  );

  it("gets none while it rings: 482, and the call can be answered", async () => {
    scenario = await startRinging();
    const { sent, heard } = await forges("INVITE", scenario.bob, scenario.alice.call.id, "any");
    expect([sent.final, heard]).toEqual([482, []]);
    scenario.bob.answers(scenario.bob.calls[0]);
    await scenario.world.settle();
    expect(scenario.alice.state).toBe("talking");
  });

  const within = ["BYE", "INVITE", "INFO", "UPDATE", "REFER", "MESSAGE", "OPTIONS", "PRACK", "SUBSCRIBE", "ACK"];

  it.each(ends.flatMap((end) => within.map((method) => [method, end] as const)))(
    "sends no %s within it to %s by the address of record: 481",
    async (method, end) => {
      scenario = await startTalking();
      const { world } = scenario;
      const carol = await scenario.joins("carol");
      const { callId, local, remote } = dialogOf(scenario[end === "bob" ? "alice" : "bob"]);
      const before = scenario[end].heard.length;
      const from = `<sip:anonymous@anonymous.invalid>;tag=${tagIn(local)}`;
      const lines = [`From: ${from}`, `To: ${remote}`, `Call-ID: ${callId}`, `CSeq: 900 ${method}`, `Contact: ${carol.contact}`];
      const sent = carol.sends(method, scenario[end].aor, [...lines, "Event: check", "Refer-To: <sip:x@example.com>"]);
      await world.settle();
      expect([sent.final, scenario[end].heard.length]).toEqual([method === "ACK" ? 0 : 481, before]);
      expect([scenario.alice.state, scenario.bob.state]).toEqual(["talking", "talking"]);
    },
  );

  it("is a caller like any other once it is over", async () => {
    scenario = await startTalking();
    const { callId } = dialogOf(scenario.alice);
    scenario.alice.hangsUp();
    await scenario.world.settle();
    const { heard } = await forges("INVITE", scenario.bob, callId, "new");
    expect(heard[0]).toContain("INVITE ");
  });
});

describe("a caller who is blocked while they talk", () => {
  it("ends the call and does nothing else in it", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    await world.changeRules("bob", { blocked: ["alice@example.com"] });
    await world.settle();
    const asked = ["INFO", "INVITE", "MESSAGE"].map((method) => alice.within(method, dialogOf(alice), [`Contact: ${alice.contact}`]));
    await world.settle();
    expect(asked.map(({ final }) => final)).toEqual([603, 603, 603]);
    alice.hangsUp();
    await world.settle();
    expect(bob.state).toBe("ended by bye");
  });
});

describe("a NOTIFY that nobody has asked for", () => {
  it.each([
    ["check-sync;reboot=true", ""],
    ["message-summary", ""],
    ["dialog", ";tag=made-up"],
  ])("reaches no phone: Event %s, To%s", async (event, tag) => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const lines = [`From: <${alice.aor}>;tag=1`, `To: <${bob.aor}>${tag}`, "Call-ID: n", "CSeq: 1 NOTIFY", `Event: ${event}`];
    const sent = alice.sends("NOTIFY", bob.aor, [...lines, "Subscription-State: active;expires=600"]);
    await world.settle();
    expect([sent.final, bob.all("NOTIFY")]).toEqual([481, []]);
  });

  it.each([
    "check-sync;reboot=true",
    "Resync",
    "ACTION-URI",
    "talk",
    "refer, check-sync",
    "refer\r\nEvent: check-sync",
    "refer\r\no: check-sync",
  ])("has no phone restart from within a call: Event %s draws 489", async (event) => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    const sent = alice.within("NOTIFY", dialogOf(alice), [`Event: ${event}`, "Subscription-State: active;expires=600"]);
    await world.settle();
    expect([sent.final, bob.all("NOTIFY")]).toEqual([489, []]);
  });

  it("passes within a call where it tells of a transfer (RFC 3515 §2.4.4)", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    const sent = alice.within("NOTIFY", dialogOf(alice), ["Event: refer", "Subscription-State: active;expires=600"]);
    await world.settle();
    expect([sent.final, bob.all("NOTIFY").length]).toEqual([200, 1]);
  });
});

describe("who was called and has not answered", () => {
  const subscribing = ["Event: refer", "Subscription-State: terminated;reason=noresource"];

  it.each([
    ["NOTIFY", subscribing],
    ["SUBSCRIBE", ["Event: refer", "Expires: 60"]],
    ["INFO", []],
  ] as const)("sends no %s to the caller of the answered call: 481, and who has answered does", async (method, lines) => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    await world.homeOf("bob").handle((instance) => instance.bind({ contact: carol.aor, expires: 3600, q: 1 }));
    alice.invites(bob.aor);
    await world.settle();
    const { heard } = carol.call;
    if (heard === undefined) throw new Error("carol's phone does not ring");
    bob.answers();
    await world.settle();
    // Phones look at the Call-ID and at their own tag.
    const own = { ...dialogOfCallee(heard, "made-up"), local: `<${bob.aor}>;tag=made-up` };
    const forged = carol.within(method, own, [...lines, `Contact: ${carol.contact}`]);
    await world.settle();
    expect([forged.final, alice.all(method)]).toEqual([481, []]);
    const real = bob.within(method, dialogOf(bob), [...lines, `Contact: ${bob.contact}`]);
    await world.settle();
    expect([real.final, alice.all(method).length]).toEqual([200, 1]);
  });
});

describe("two phones that answer one call make a dialog each (RFC 3261 §13.2.2.4)", () => {
  /** Both of bob's phones have answered, and alice's has ended the dialog of the second. */
  async function forked(rules: Readonly<Record<string, unknown>>) {
    scenario = await startScenario({ rules });
    const { alice, bob, world } = scenario;
    const second = await scenario.joins("bob");
    alice.invites(bob.aor);
    await world.settle();
    for (const desk of [bob, second]) desk.answers();
    await world.settle();
    const [stays, goes] = alice.call.dialog?.remote.includes(bob.instance.slice(-6)) === true ? [bob, second] : [second, bob];
    expect([alice.state, stays.state, goes.state]).toEqual(["talking", "talking", "ended by bye"]);
    return { ...scenario, stays };
  }

  it("and the caller still has one call", async () => {
    const { alice, bob, world } = await forked({ alice: { maximumCalls: 1 } });
    const more = alice.invites(bob.aor);
    await world.settle();
    expect(more.state).toBe("ended 403");
    alice.hangsUp(alice.calls[0]);
    await world.settle();
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("hears ringing");
  });

  it("and so has the callee, until the other dialog ends", async () => {
    const { alice, bob, world, stays } = await forked({ bob: { maximumCalls: 1 } });
    const carol = await scenario.joins("carol");
    carol.invites(bob.aor);
    await world.settle();
    expect(carol.state).toBe("ended 486");
    stays.hangsUp(stays.calls[0]);
    await world.settle();
    expect(alice.state).toBe("ended by bye");
    carol.invites(bob.aor);
    await world.settle();
    expect(carol.state).toBe("hears ringing");
    expect(header(carol.last(180), "cseq")).toBe("1 INVITE");
  });
});
