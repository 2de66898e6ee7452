import { afterEach, describe, expect, it } from "vitest";
import { dialogOfCallee } from "../../support/dialog.ts";
import { type ReceivedMessage, header } from "../../support/received-message.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { shortSdp } from "../../support/compose.ts";
import { type Scenario, startScenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const oneCall = { rules: { alice: { maximumCalls: 1 } } } as const;

/** RFC 3261 §12.2.2: as a phone answers a BYE whose CSeq is lower than what it has heard. */
function refusesByes(phone: SimulatedPhone): void {
  const replies = phone.replies.bind(phone);
  phone.replies = (request, status, ...more) => replies(request, request.method === "BYE" ? 500 : status, ...more);
}

/** Something that a phone may refuse (RFC 3261 §8.2.2.3). */
const demand = ["Require: x-unknown"];

function dialogOf(phone: SimulatedPhone) {
  const { dialog } = phone.call;
  if (dialog === undefined) throw new Error("there is no dialog");
  return dialog;
}

/** The phone answers its INVITE once more for each of these tags, which the caller hears before it has hung up any of them. */
async function answersAgain(callee: SimulatedPhone, caller: SimulatedPhone, tags: number): Promise<void> {
  const invite = callee.last("INVITE");
  const within = caller.within.bind(caller);
  const late: (() => void)[] = [];
  caller.within = (method, ...more) => {
    const send = () => within(method, ...more);
    if (method !== "BYE") return send();
    late.push(send);
    return { branch: "", method, uri: "", text: "", lines: [], provisional: 0, final: 0 };
  };
  const { instance } = callee;
  for (let tag = 0; tag < tags; tag += 1) {
    Object.assign(callee, { instance: `x${String(tag).padStart(6, "f")}` });
    callee.replies(invite, 200, [`Contact: ${callee.contact}`, "Content-Type: application/sdp"], shortSdp);
  }
  Object.assign(callee, { instance });
  await scenario.world.settle();
  caller.within = within;
  for (const send of late) send();
  await scenario.world.settle();
}

describe("calls of a user with a limit", () => {
  it("are as many after a BYE that its other end refuses, although an INVITE follows at once", async () => {
    scenario = await startTalking(oneCall);
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    refusesByes(bob);
    const bye = alice.within("BYE", dialogOf(alice), demand, 1);
    const second = alice.invites(carol.aor);
    await world.settle();
    expect([bye.final, second.state, alice.calls[0]?.state]).toEqual([500, "ended 403", "talking"]);
  });

  it("are as many after such a BYE in a call whose phone is away", async () => {
    scenario = await startTalking(oneCall);
    const { alice, bob, world } = scenario;
    const [carol, other] = [await scenario.joins("carol"), await scenario.joins("alice")];
    refusesByes(bob);
    const dialog = dialogOf(alice);
    alice.leaves();
    await world.settle();
    const bye = other.within("BYE", dialog, demand, 1);
    await world.settle();
    expect(bye.final).toBe(500);
    await alice.comes();
    await world.pass(3);
    const second = other.invites(carol.aor);
    await world.settle();
    expect(second.state).toBe("ended 403");
  });

  it.each([
    ["always", () => true],
    ["as one whose number is too low (RFC 3261 §12.2.2)", (bye: ReceivedMessage) => header(bye, "cseq") === "1 BYE"],
  ])(
    "are free again after a BYE that the other end has no reason to refuse, and that end gets another one: it refuses %s",
    async (_how, mayRefuse) => {
      scenario = await startTalking(oneCall);
      const { alice, bob, world } = scenario;
      const carol = await scenario.joins("carol");
      const replies = bob.replies.bind(bob);
      bob.replies = (request, status, ...more) => replies(request, request.method === "BYE" && mayRefuse(request) ? 500 : status, ...more);
      const bye = alice.within("BYE", dialogOf(alice), [], 1);
      await world.settle();
      const next = alice.invites(carol.aor);
      await world.settle();
      const numbers = bob.all("BYE").map((message) => header(message, "cseq"));
      expect([bye.final, next.state, numbers]).toEqual([500, "hears ringing", ["1 BYE", "2147483000 BYE"]]);
      expect(world.callRecords()).toMatchObject([{ outcome: "answered", endedBy: "caller" }]);
    },
  );

  it("are free again a moment after a BYE that has no answer", async () => {
    scenario = await startTalking(oneCall);
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    bob.freezes();
    alice.hangsUp();
    await world.settle();
    const refused = alice.invites(carol.aor);
    await world.settle();
    await world.pass(2);
    const next = alice.invites(carol.aor);
    await world.settle();
    expect([refused.state, next.state]).toEqual(["ended 403", "hears ringing"]);
  });

  it("are as many after a phone has answered one with many tags", async () => {
    scenario = await startScenario({ rules: { alice: { maximumCalls: 2 } } });
    const { alice, bob, world } = scenario;
    const [carol, dave] = [await scenario.joins("carol"), await scenario.joins("dave")];
    for (const phone of [bob, carol]) {
      alice.invites(phone.aor);
      await world.settle();
      phone.answers();
      await world.settle();
    }
    await answersAgain(carol, alice, 60);
    const third = alice.invites(dave.aor);
    await world.settle();
    expect(third.state).toBe("ended 403");
  });
});

describe("who has not answered has nothing to say in the call", () => {
  it("although it has answered another one with many tags", async () => {
    scenario = await startScenario({ rules: { carol: { forward: { busy: "sip:bob@example.com" } } } });
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    alice.invites(carol.aor);
    await world.settle();
    const heard = carol.last("INVITE");
    carol.rejects(486);
    await world.settle();
    bob.answers();
    await world.settle();
    alice.invites(carol.aor);
    await world.settle();
    carol.answers();
    await world.settle();
    await answersAgain(carol, alice, 60);
    const methods = ["INFO", "REFER", "INVITE", "BYE"];
    const before = alice.heard.length;
    const forged = dialogOfCallee(heard, "forged");
    const sent = methods.map((method) => carol.within(method, forged, [`Contact: ${carol.contact}`, "Refer-To: <sip:dave@example.com>"]));
    await world.settle();
    expect([
      sent.map(({ final }) => final),
      alice.heard.slice(before).filter(({ method }) => method !== undefined && method !== ""),
    ]).toEqual([[481, 481, 481, 481], []]);
  });

  it.each(["cut", "evicted and cut", "restarted"])("although the caller's connection has changed meanwhile: %s", async (how) => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    const home = world.homeOf("alice");
    if (how === "evicted and cut") home.evict();
    if (how === "restarted") world.lose("abort", home);
    else alice.isCut();
    await world.pass(2);
    if (how === "restarted") await world.pass(60);
    expect([alice.state, alice.isRegistered]).toEqual(["hears ringing", true]);
    const forged = dialogOfCallee(bob.last("INVITE"), "forged");
    const methods = ["REFER", "INVITE", "MESSAGE", "BYE"];
    const sent = methods.map((method, index) =>
      bob.within(method, forged, [`Contact: ${bob.contact}`, "Refer-To: <sip:carol@example.com>"], 900 + index),
    );
    await world.settle();
    expect([sent.map(({ final }) => final), alice.state]).toEqual([[500, 500, 500, 500], "hears ringing"]);
  });
});
