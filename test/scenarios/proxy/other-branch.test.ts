import { afterEach, describe, expect, it } from "vitest";
import { dialogOfCallee } from "../../support/dialog.ts";
import { headers } from "../../support/received-message.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const tagIn = (address: string | undefined): string => /;tag=([^;>]+)/.exec(address ?? "")?.[1] ?? "";

/** Alice calls bob, whose phone rings, and then that of carol, to whom he forwards. */
async function ringing() {
  scenario = await startScenario({ rules: { bob: { forward: { noAnswer: { to: "sip:carol@example.com", after: 15 } } } } });
  const { alice, bob, world } = scenario;
  const carol = await scenario.joins("carol");
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(16);
  expect([bob.state, carol.state]).toEqual(["ended 487", "ringing"]);
  const invite = bob.last("INVITE");
  // Phones have the dialog of each branch that rings.
  const ofBob = dialogOfCallee(invite, "bobs");
  return { ...scenario, carol, ofBob };
}

async function answered() {
  const all = await ringing();
  all.carol.answers();
  await all.world.settle();
  expect(all.alice.state).toBe("talking");
  return all;
}

const methods = ["BYE", "INVITE", "REFER", "INFO", "UPDATE", "MESSAGE"];
const lines = (phone: SimulatedPhone) => [`Contact: ${phone.contact}`, "Refer-To: <sip:dave@example.com>"];

describe("who was called and has not answered has nothing to say in the call", () => {
  it.each(methods)("after another one has answered: %s", async (method) => {
    const { alice, bob, ofBob, world } = await answered();
    const sent = bob.within(method, ofBob, lines(bob));
    await world.settle();
    expect([sent.final, alice.all(method), alice.state]).toEqual([481, [], "talking"]);
  });

  it.each(["BYE", "INVITE", "REFER", "MESSAGE"])("before any answer: %s", async (method) => {
    const { alice, bob, ofBob, world } = await ringing();
    const sent = bob.within(method, ofBob, lines(bob));
    await world.settle();
    expect([sent.final, alice.all(method), alice.state]).toEqual([500, [], "hears ringing"]);
  });

  it.each(methods)("to the caller's address, without a Route: %s", async (method) => {
    const { alice, bob, ofBob, world } = await ringing();
    const sent = bob.within(method, { ...ofBob, routes: [], target: alice.aor }, lines(bob));
    await world.settle();
    expect([sent.final, alice.all(method), alice.state]).toEqual([481, [], "hears ringing"]);
  });

  it.each(["BYE", "UPDATE", "PRACK", "INFO", "MESSAGE", "WHATEVER"])(
    "without a To tag, as if it were outside a dialog: %s",
    async (method) => {
      const { alice, carol, bob, ofBob, world } = await ringing();
      const outside = { ...ofBob, routes: [], target: alice.aor, remote: `<${alice.aor}>` };
      const early = bob.within(method, outside, lines(bob));
      await world.settle();
      carol.answers();
      await world.settle();
      const late = bob.within(method, outside, lines(bob), 77);
      await world.settle();
      expect([early.final, late.final, alice.all(method), alice.state]).toEqual([481, 481, [], "talking"]);
    },
  );

  it.each(["BYE", "UPDATE", "INFO", "MESSAGE"])("to a phone that still rings, without a To tag: %s", async (method) => {
    const { bob, carol, ofBob, world } = await ringing();
    const sent = bob.within(method, { ...ofBob, routes: [], target: carol.aor, remote: `<${carol.aor}>` }, lines(bob));
    await world.settle();
    expect([sent.final, carol.all(method), carol.state]).toEqual([481, [], "ringing"]);
  });

  it("not even with the tags of the call, which it may have heard", async () => {
    const { alice, bob, carol, ofBob, world } = await answered();
    const sent = bob.within("REFER", { ...ofBob, local: carol.call.dialog?.local ?? "" }, lines(bob));
    await world.settle();
    expect([sent.final >= 400, alice.all("REFER")]).toEqual([true, []]);
  });

  it("while the one who has answered may all", async () => {
    const { alice, carol, world } = await answered();
    const { dialog } = carol.call;
    for (const method of ["INFO", "UPDATE", "REFER", "BYE"]) {
      const sent = carol.within(method, dialog as NonNullable<typeof dialog>, lines(carol));
      await world.settle();
      expect([sent.final, alice.all(method).length]).toEqual([200, 1]);
    }
  });
});

describe("a Replaces (RFC 3891 §3)", () => {
  async function replacing(from: "bobs" | "carols") {
    const { alice, bob, carol, ofBob, world } = await answered();
    const tag = from === "bobs" ? "bobs" : tagIn(carol.call.dialog?.local);
    bob.invites(alice.aor, [`Replaces: ${ofBob.callId};to-tag=${tagIn(ofBob.remote)};from-tag=${tag}`, "Require: replaces"]);
    await world.settle();
    return [bob.state, alice.all("INVITE").length];
  }

  it("of the dialog of a branch that has not answered draws 481", async () => {
    expect(await replacing("bobs")).toEqual(["ended 481", 0]);
  });

  it("of a phone that rings reaches the caller, for another phone that takes the call over", async () => {
    const { alice, carol, world, ofBob } = await ringing();
    const tag = /;tag=([^;>]+)/.exec(carol.call.dialog?.local ?? "")?.[1] ?? "carols";
    const other = await scenario.joins("carol");
    other.invites(alice.aor, [`Replaces: ${ofBob.callId};to-tag=${tagIn(ofBob.remote)};from-tag=${tag}`, "Require: replaces"]);
    await world.settle();
    expect([other.state, alice.all("INVITE").length]).toEqual(["hears ringing", 1]);
  });

  it.each(["Join", "Target-Dialog"])("and %s name no dialog that the call does not have", async (header) => {
    const { alice, bob, ofBob, world } = await answered();
    const tags = header === "Join" ? ["to-tag", "from-tag"] : ["remote-tag", "local-tag"];
    const value = `${header}: ${ofBob.callId};${tags[0]}=${tagIn(ofBob.remote)};${tags[1]}=bobs`;
    const sent = bob.asks(header === "Join" ? "INVITE" : "REFER", alice.aor, [
      value,
      `Contact: ${bob.contact}`,
      "Refer-To: <sip:dave@example.com>",
    ]);
    await world.settle();
    expect([sent.final, alice.all("REFER"), alice.all("INVITE")]).toEqual([481, [], []]);
  });

  it("of the call reaches its phone", async () => {
    expect(await replacing("carols")).toEqual(["hears ringing", 1]);
  });
});

describe("Record-Route of a caller", () => {
  it("stays if it is of another proxy, before which the caller is", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor, ["Record-Route: <sip:edge.example;lr>"]);
    await world.settle();
    expect(headers(bob.last("INVITE"), "record-route")).toEqual([expect.stringContaining("<sip:route."), "<sip:edge.example;lr>"]);
  });

  it("goes no further: the server would take it for its own, and end another call instead of this one", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    world.signsInByToken("alice", { maximumSeconds: 60 });
    await alice.comesOnline();
    const call = (to: SimulatedPhone, more: readonly string[]) =>
      alice.sends("INVITE", to.aor, [
        ...[`From: <${alice.aor}>;tag=mine`, `To: <${to.aor}>`, "Call-ID: one-for-two", "CSeq: 1 INVITE", `Contact: ${alice.contact}`],
        ...more,
      ]);
    call(bob, []);
    await world.settle();
    const recorded = headers(bob.last("INVITE"), "record-route");
    bob.rejects(486);
    await world.settle();
    call(
      carol,
      recorded.map((value) => `Record-Route: ${value}`),
    );
    await world.settle();
    expect(headers(carol.last("INVITE"), "record-route")).toHaveLength(1);
    carol.answers();
    await world.settle();
    await world.pass(65);
    expect([carol.state, bob.all("BYE")]).toEqual(["ended by bye", []]);
  });
});

describe("the limit of calls at once", () => {
  it("holds for a phone that registers anew with the Contact that it had", async () => {
    scenario = await startScenario({ rules: { alice: { maximumCalls: 1 } } });
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    await alice.registersAnew();
    alice.invites(carol.aor);
    await world.settle();
    expect([alice.state, carol.state, bob.state]).toEqual(["ended 403", "idle", "talking"]);
  });

  it("does not hold a phone that has restarted: the other end gets a BYE", async () => {
    scenario = await startScenario({ rules: { alice: { maximumCalls: 1 } } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    alice.leaves();
    await world.pass(40);
    await alice.registersAnew();
    await world.pass(10);
    expect(bob.state).toBe("ended by bye");
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("hears ringing");
  });
});
