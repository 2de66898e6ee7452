import { afterEach, describe, expect, it } from "vitest";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "../../support/dialog.ts";
import { type ReceivedMessage, header, headers } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";
import { losses } from "../world/world.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function talking() {
  scenario = await startScenario();
  scenario.alice.invites(scenario.bob.aor);
  await scenario.world.settle();
  scenario.bob.answers();
  await scenario.world.settle();
  return { ...scenario, ofAlice: dialogOf(scenario.alice), ofBob: dialogOf(scenario.bob) };
}

function dialogOf(desk: SimulatedPhone): Dialog {
  const { dialog } = desk.call;
  if (dialog === undefined) throw new Error(`${desk.account} has no dialog`);
  return dialog;
}

/** As the phone ends its To. */
const tagOf = (desk: SimulatedPhone) => desk.instance.slice(-6);

function gruuOf(desk: SimulatedPhone): string {
  const own = headers(desk.last(200, "REGISTER"), "contact").find((contact) => contact.includes(desk.instance));
  return /pub-gruu="([^"]+)"/.exec(own ?? "")?.[1] ?? "";
}

const responsesTo = (desk: SimulatedPhone, method: string) =>
  desk.heard.filter((one) => one.status > 0 && header(one, "cseq")?.endsWith(method));

describe("early dialogs (RFC 3261 §12.1, RFC 3262, RFC 3311)", () => {
  /** Two phones of bob's have answered 183, reliably. */
  async function two() {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    const second = await scenario.joins("bob", { isManual: true });
    alice.invites(bob.aor, ["Supported: 100rel"]);
    await world.settle();
    for (const desk of [bob, second]) {
      desk.replies(desk.last("INVITE"), 183, ["RSeq: 1", "Require: 100rel", `Contact: ${desk.contact}`]);
    }
    await world.settle();
    const early = alice.all(183);
    const dialogWith = (desk: SimulatedPhone) =>
      dialogOfCaller(early.find((one) => header(one, "to")?.endsWith(tagOf(desk)) === true) as ReceivedMessage);
    return { ...scenario, second, dialogWith };
  }

  it("of a forked call are as many as there are phones, and each PRACK finds its own", async () => {
    const { alice, bob, second, world, dialogWith } = await two();
    alice.within("PRACK", dialogWith(second), ["RAck: 1 1 INVITE"]);
    await world.settle();
    expect([bob.all("PRACK").length, second.all("PRACK").length]).toEqual([0, 1]);
    second.replies(second.last("PRACK"), 200);
    await world.settle();
    expect(alice.all(200, "PRACK")).toHaveLength(1);
  });

  it("an UPDATE passes in them, both ways", async () => {
    const { alice, bob, world, dialogWith } = await two();
    alice.within("UPDATE", dialogWith(bob), [`Contact: ${alice.contact}`]);
    bob.within("UPDATE", dialogOfCallee(bob.last("INVITE"), tagOf(bob)), [`Contact: ${bob.contact}`]);
    await world.settle();
    expect([bob.all("UPDATE").length, alice.all("UPDATE").length]).toEqual([1, 1]);
    expect(bob.all(200, "UPDATE")).toHaveLength(1);
  });

  it.each(losses)("a PRACK finds its phone after the loss: %s", async (loss) => {
    const { alice, bob, second, world, dialogWith } = await two();
    const dialog = dialogWith(bob);
    world.lose(loss, world.homeOf("bob"));
    await world.settle();
    alice.within("PRACK", dialog, ["RAck: 1 1 INVITE"]);
    await world.settle();
    expect([bob.all("PRACK").length, second.all("PRACK").length]).toEqual([1, 0]);
  });

  it("when one phone answers, the other's dialog ends with its 487, and the first goes on", async () => {
    const { alice, bob, second, world } = await two();
    second.answers();
    await world.settle();
    bob.replies(bob.last("CANCEL"), 200);
    bob.rejects(487);
    await world.settle();
    expect([alice.state, second.state, alice.all(487).length]).toEqual(["talking", "talking", 0]);
    alice.hangsUp();
    await world.settle();
    expect([second.all("BYE").length, bob.all("BYE").length]).toEqual([1, 0]);
  });
});

describe("both at once", () => {
  it("hang up: each BYE is answered, and nothing is left behind", async () => {
    const { alice, bob, world } = await talking();
    alice.hangsUp();
    bob.hangsUp();
    await world.settle();
    expect([responsesTo(alice, "BYE").length, responsesTo(bob, "BYE").length]).toEqual([1, 1]);
    expect(world.homeOf("bob").sql.rows("undelivered_messages")).toEqual([]);
  });

  it("re-INVITE (glare, RFC 3261 §14.1): each gets the other's and its answer", async () => {
    const { alice, bob, world, ofAlice, ofBob } = await talking();
    const asked = [
      alice.within("INVITE", ofAlice, [`Contact: ${alice.contact}`]),
      bob.within("INVITE", ofBob, [`Contact: ${bob.contact}`]),
    ];
    await world.settle();
    expect(asked.map(({ final }) => final)).toEqual([200, 200]);
  });

  it("a re-INVITE and a BYE: both are answered", async () => {
    const { alice, bob, world, ofAlice } = await talking();
    const asked = alice.within("INVITE", ofAlice, [`Contact: ${alice.contact}`]);
    bob.hangsUp();
    await world.settle();
    expect([asked.final > 0, responsesTo(bob, "BYE").length, alice.state]).toEqual([true, 1, "ended by bye"]);
  });

  it("call each other: two calls ring", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    bob.invites(alice.aor);
    await world.settle();
    expect([alice.calls, bob.calls].map((calls) => calls.map(({ state }) => state).sort())).toEqual([
      ["hears ringing", "ringing"],
      ["hears ringing", "ringing"],
    ]);
  });
});

describe("a re-INVITE", () => {
  it("waits for a phone that is changing its network, and is answered there", async () => {
    const { alice, bob, world, ofAlice } = await talking();
    bob.isCut();
    const asked = alice.within("INVITE", ofAlice, [`Contact: ${alice.contact}`]);
    await world.settle();
    expect([asked.final, bob.all("INVITE").length]).toEqual([200, 2]);
  });

  it("is cancelled while it waits: the phone hears both, in their order (RFC 3261 §16.11)", async () => {
    const { alice, bob, world, ofAlice } = await talking();
    bob.leaves();
    await world.settle();
    const asked = alice.within("INVITE", ofAlice, [`Contact: ${alice.contact}`]);
    await world.settle();
    const shared = asked.lines.filter((line) => /^(From|To|Call-ID|Route):/.test(line));
    alice.sends(
      "CANCEL",
      asked.uri,
      [...shared, asked.lines.find((line) => line.startsWith("CSeq"))?.replace("INVITE", "CANCEL") ?? ""],
      "",
      asked.branch,
    );
    await world.settle();
    await bob.comesOnline();
    await world.settle();
    const heard = bob.heard.map(({ method }) => method).filter((method) => method === "INVITE" || method === "CANCEL");
    expect(heard).toEqual(["INVITE", "INVITE", "CANCEL"]);
  });

  it("for a phone that nobody expects back draws 480, which ends no call (RFC 3261 §14.1)", async () => {
    const { alice, bob, world, ofAlice } = await talking();
    bob.leaves();
    await world.settle();
    await world.pass(31);
    const asked = alice.within("INVITE", ofAlice, [`Contact: ${alice.contact}`]);
    await world.settle();
    expect([asked.final, alice.state]).toEqual([480, "talking"]);
  });
});

describe("transfer (RFC 3515, RFC 5589)", () => {
  it("blind: REFER in the call, NOTIFY back, and the new call is a call like any other", async () => {
    const { alice, bob, world, ofBob } = await talking();
    const carol = await scenario.joins("carol");
    bob.within("REFER", ofBob, [`Refer-To: <${carol.aor}>`, `Contact: ${bob.contact}`]);
    await world.settle();
    expect(header(alice.last("REFER"), "refer-to")).toBe(`<${carol.aor}>`);
    alice.within("NOTIFY", dialogOf(alice), ["Event: refer", "Subscription-State: active;expires=60", `Contact: ${alice.contact}`]);
    alice.invites(carol.aor, [`Referred-By: <${bob.aor}>`]);
    await world.settle();
    carol.answers();
    await world.settle();
    expect([bob.all("NOTIFY").length, header(carol.last("INVITE"), "referred-by"), alice.state]).toEqual([1, `<${bob.aor}>`, "talking"]);
  });

  it("attended: Replaces goes through a GRUU to the very phone that has the other call (RFC 3891, RFC 5627)", async () => {
    const { alice, bob, world, ofBob } = await talking();
    const carol = await scenario.joins("carol");
    const other = await scenario.joins("carol");
    bob.invites(gruuOf(carol));
    await world.settle();
    carol.answers();
    await world.settle();
    const replaces = `${bob.call.id};to-tag=${tagOf(carol)};from-tag=${/tag=(.*)/.exec(bob.call.dialog?.local ?? "")?.[1]}`;
    bob.within("REFER", ofBob, [`Refer-To: <${gruuOf(carol)}?Replaces=${encodeURIComponent(replaces)}>`, `Contact: ${bob.contact}`]);
    await world.settle();
    expect(header(alice.last("REFER"), "refer-to")).toContain(encodeURIComponent(replaces));
    alice.invites(gruuOf(carol), [`Replaces: ${replaces}`, "Require: replaces"]);
    await world.settle();
    expect([header(carol.last("INVITE"), "replaces"), other.state]).toEqual([replaces, "idle"]);
    carol.answers(carol.calls.at(-1));
    carol.hangsUp(carol.calls[0]);
    await world.settle();
    expect([alice.state, bob.calls.map(({ state }) => state)]).toEqual(["talking", ["talking", "ended by bye"]]);
  });

  it("a REFER outside a call makes a dialog of its own: its NOTIFY comes back to the very phone", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const second = await scenario.joins("alice");
    alice.asks("REFER", bob.aor, ["Refer-To: <sip:carol@example.com>", `Contact: ${alice.contact}`]);
    await world.settle();
    const dialog = dialogOfCallee(bob.last("REFER"), tagOf(bob));
    const told = bob.within("NOTIFY", dialog, ["Event: refer", "Subscription-State: active;expires=60", `Contact: ${bob.contact}`]);
    await world.settle();
    expect([alice.all("NOTIFY").length, second.all("NOTIFY").length, told.final]).toEqual([1, 0, 200]);
  });
});

describe("a NOTIFY that waits for a phone which is away", () => {
  it("is answered when a newer one of its subscription takes its place", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.asks("REFER", bob.aor, ["Refer-To: <sip:carol@example.com>", `Contact: ${alice.contact}`]);
    await world.settle();
    const dialog = dialogOfCallee(bob.last("REFER"), tagOf(bob));
    const lines = ["Event: refer", "Subscription-State: active;expires=60", `Contact: ${bob.contact}`];
    alice.leaves();
    await world.settle();
    const older = bob.within("NOTIFY", dialog, lines);
    await world.pass(12);
    const newer = bob.within("NOTIFY", dialog, lines);
    await world.settle();
    expect([older.final, newer.final]).toEqual([200, 0]);
    await alice.comesOnline();
    await world.settle();
    expect([alice.all("NOTIFY").length, newer.final]).toEqual([1, 200]);
  });
});

describe("anything else in a call", () => {
  it.each(["INFO", "MESSAGE", "OPTIONS", "UPDATE"])("%s goes to the phone that is in it, and to no other", async (method) => {
    const { alice, bob, world, ofAlice } = await talking();
    const second = await scenario.joins("bob");
    const asked = alice.within(method, ofAlice, [`Contact: ${alice.contact}`]);
    await world.settle();
    expect([bob.all(method).length, second.all(method).length, asked.final]).toEqual([1, 0, 200]);
  });

  it("goes by the rules of nobody: do not disturb, and so many calls, are for new ones", async () => {
    const { alice, bob, world, ofAlice } = await talking();
    await world.changeRules("bob", { doNotDisturb: true, maximumCalls: 1 });
    await world.settle();
    const asked = alice.within("INVITE", ofAlice, [`Contact: ${alice.contact}`]);
    await world.settle();
    expect([asked.final, bob.state]).toEqual([200, "talking"]);
  });
});
