import { afterEach, describe, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Scenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/**
 * Alice has called bob, who has another dialog with carol, with the same Call-ID and the same tag of his own, and sends a BYE by it that
 * has alice's tag.
 */
async function hangsUpElsewhere() {
  scenario = await startTalking({ rules: { bob: { maximumCalls: 2 } } });
  const { world, bob } = scenario;
  const { heard, dialog } = bob.call;
  if (heard === undefined || dialog === undefined) throw new Error("bob is in no call");
  const carol = await scenario.joins("carol");
  const ids = [`From: ${dialog.local}`, `To: <${carol.aor}>`, `Call-ID: ${header(heard, "call-id")}`, "CSeq: 1 INVITE"];
  bob.sends("INVITE", carol.aor, [...ids, `Contact: ${bob.contact}`]);
  await world.settle();
  carol.answers();
  await world.settle();
  const routes = headers(carol.last("INVITE"), "record-route");
  const bye = bob.within("BYE", { ...dialog, routes, target: carol.contact.slice(1, -1) }, [], 7);
  await world.settle();
  expect([carol.all("BYE").length, bye.final]).toEqual([0, 481]);
  return scenario;
}

describe("a BYE with the Call-ID and tags of a call, by another dialog", () => {
  it("does not end the record of the call", async () => {
    const { world, alice } = await hangsUpElsewhere();
    const ofAlice = () => world.callRecords().filter(({ caller }) => caller === "alice@example.com");
    await world.pass(60);
    expect(ofAlice()).toEqual([]);
    alice.hangsUp();
    await world.settle();
    expect(ofAlice()).toMatchObject([{ outcome: "answered", endedBy: "caller" }]);
    expect(ofAlice().map(({ answered = 0, ended = 0 }) => ended - answered >= 60_000)).toEqual([true]);
  });

  it("does not take it from the calls that a user has at once", async () => {
    const { world, bob } = await hangsUpElsewhere();
    const dave = await scenario.joins("dave");
    dave.invites(bob.aor);
    await world.settle();
    expect(dave.state).toBe("ended 486");
  });
});

/** Alice hangs up by a BYE for another target than bob's Contact, and bob's phone answers with this. */
async function hangsUpAt(target: (bob: SimulatedPhone) => string, status: number, lines: readonly string[] = []) {
  scenario = await startTalking({ rules: { alice: { maximumCalls: 1 } } });
  const { world, alice, bob } = scenario;
  const { dialog } = alice.call;
  if (dialog === undefined) throw new Error("alice is in no call");
  const hears = bob.replies.bind(bob);
  bob.replies = (request, own, ...more) => hears(request, request.method === "BYE" ? status : own, ...more);
  const bye = alice.within("BYE", { ...dialog, target: target(bob) }, lines);
  await world.settle();
  expect(bye.final).toBe(status);
  const carol = await scenario.joins("carol");
  alice.invites(carol.aor);
  await world.settle();
  return { records: world.callRecords().filter(({ callee }) => callee === "bob@example.com").length, next: alice.state };
}

describe("a BYE after the Contact of the other end has changed (RFC 3261 §12.2)", () => {
  it.each([404, 200])("ends the call at once: %s", async (status) => {
    scenario = await startTalking({ rules: { alice: { maximumCalls: 1 } } });
    const { world, alice, bob } = scenario;
    const [ofBob, ofAlice] = [bob.call.dialog, alice.call.dialog];
    if (ofBob === undefined || ofAlice === undefined) throw new Error("there is no call");
    bob.within("UPDATE", ofBob, ["Contact: <sip:moved@elsewhere.invalid>"]);
    await world.settle();
    const hears = bob.replies.bind(bob);
    bob.replies = (request, own, ...more) => hears(request, request.method === "BYE" ? status : own, ...more);
    alice.within("BYE", { ...ofAlice, target: "sip:moved@elsewhere.invalid" });
    await world.settle();
    expect(world.callRecords()).toMatchObject([{ outcome: "answered", endedBy: "caller" }]);
    const carol = await scenario.joins("carol");
    alice.invites(carol.aor);
    await world.settle();
    expect(alice.state).toBe("hears ringing");
  });
});

describe("a BYE that was written to be refused", () => {
  const isOver = { records: 1, next: "hears ringing" };
  const goesOn = { records: 0, next: "ended 403" };
  const own = ({ contact }: SimulatedPhone) => contact.slice(1, -1);

  it.each<[string, (bob: SimulatedPhone) => string, number, typeof isOver, string?]>([
    ["another Request-URI, 404", () => "sip:x@nowhere.invalid", 404, goesOn],
    ["another Request-URI, 483", () => "sip:x@nowhere.invalid", 483, goesOn],
    ["another Request-URI, 200", () => "sip:x@nowhere.invalid", 200, isOver],
    ["another Request-URI, 481", () => "sip:x@nowhere.invalid", 481, isOver],
    ["the Contact, 404: its page was reloaded", own, 404, isOver],
    ["the Contact, 200", own, 200, isOver],
    ["the Contact, 500: it has no reason to", own, 500, isOver],
    ["the Contact, 603", own, 603, isOver],
    ["the Contact, with Require, 420", own, 420, goesOn, "Require: x-unknown"],
    ["the Contact, with a body, 415", own, 415, goesOn, "Content-Type: x/unknown"],
    ["the Contact, with few hops, 483: a server on the way says so", own, 483, goesOn, "Max-Forwards: 3"],
  ])("ends neither the record nor the call in the count of the user: %s", async (_name, target, status, expected, ...demands) => {
    expect(await hangsUpAt(target, status, demands as string[])).toEqual(expected);
  });
});
