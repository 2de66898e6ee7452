import { afterEach, describe, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Loss, losses } from "../world/world.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice, whose token allows calls of a minute, talks with bob. */
async function talking(limits: { readonly maximumSeconds?: number } = { maximumSeconds: 60 }): Promise<Scenario> {
  scenario = await startScenario({ absent: ["alice"] });
  const { world, alice, bob } = scenario;
  world.signsInByToken("alice", limits);
  await alice.comesOnline();
  alice.invites(bob.aor);
  await world.settle();
  bob.answers();
  await world.settle();
  return scenario;
}

const states = ({ alice, bob }: Scenario) => [alice.state, bob.state];

describe("a call of a token with maximum_call_seconds", () => {
  it("is ended at both ends by the server, and not before", async () => {
    const { world, bob } = await talking();
    await world.pass(58);
    expect(states(scenario)).toEqual(["talking", "talking"]);
    await world.pass(4);
    expect([states(scenario), world.faults]).toEqual([["ended by bye", "ended by bye"], []]);
    expect(header(bob.last("BYE"), "reason")).toContain("the token of the caller allows no longer call");
    await world.pass(700);
    expect(bob.all("BYE").length).toBe(1);
  });

  it("is not ended without such a limit", async () => {
    const { world } = await talking({});
    await world.pass(100);
    expect(states(scenario)).toEqual(["talking", "talking"]);
  });

  it.each(losses)("is ended also after a loss: %s", async (loss: Loss) => {
    const { world, bob } = await talking();
    world.lose(loss);
    await world.pass(65);
    expect([bob.state, world.faults]).toEqual(["ended by bye", []]);
    expect(bob.all("BYE").length).toBe(1);
  });

  it("is ended also when its phone has lost its connection and stays away", async () => {
    const { world, alice, bob } = await talking();
    alice.leaves();
    await world.pass(65);
    expect([bob.state, world.faults]).toEqual(["ended by bye", []]);
  });

  it("is ended also when the answer came while its phone was away", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { maximumSeconds: 60 });
    await alice.comesOnline();
    alice.invites(bob.aor);
    await world.settle();
    alice.leaves();
    await world.settle();
    bob.answers();
    await world.settle();
    await alice.comes();
    await world.settle();
    expect(states(scenario)).toEqual(["talking", "talking"]);
    await world.pass(65);
    expect(states(scenario)).toEqual(["ended by bye", "ended by bye"]);
  });

  it("is ended also after a BYE of its caller that the other end refuses", async () => {
    const { world, alice, bob } = await talking();
    const { dialog } = alice.call;
    // A phone answers 500 to a number that is too low (RFC 3261 §12.2.2); the call goes on.
    const hears = bob.replies.bind(bob);
    bob.replies = (request, status, ...more) => hears(request, request.method === "BYE" && cseqOf(request) === 2 ? 500 : status, ...more);
    alice.within("BYE", dialog as NonNullable<typeof dialog>, [], 2);
    await world.settle();
    await world.pass(65);
    // The caller's, that of the server in its place, and that at the end of the time.
    expect(bob.all("BYE").length).toBe(3);
    expect(header(bob.last("BYE"), "reason")).toContain("the token of the caller");
  });

  it("is ended also after a BYE with its Call-ID and tags that its caller sends by another dialog", async () => {
    const { world, alice, bob } = await talking();
    const { dialog, id } = alice.call;
    const ofCall = dialog as NonNullable<typeof dialog>;
    const carol = await scenario.joins("carol");
    alice.sends("INVITE", carol.aor, [
      ...[`From: ${ofCall.local}`, `To: <${carol.aor}>`, `Call-ID: ${id}`, "CSeq: 2 INVITE", `Contact: ${alice.contact}`],
    ]);
    await world.settle();
    carol.answers();
    await world.settle();
    const [route] = headers(carol.last("INVITE"), "record-route");
    const bye = alice.within("BYE", { ...ofCall, routes: [route ?? ""], target: uriOf(bob) }, [], 7);
    await world.settle();
    expect([bye.final, carol.all("BYE").length, bob.state]).toEqual([481, 0, "talking"]);
    await world.pass(65);
    expect(bob.state).toBe("ended by bye");
  });

  it.each([[500], [undefined]])("is ended also after a BYE to its other end (answered with %s) and one to another user", async (status) => {
    const { world, alice, bob } = await talking();
    const ofCall = alice.call.dialog as NonNullable<typeof alice.call.dialog>;
    const carol = await scenario.joins("carol");
    alice.sends("INVITE", carol.aor, [
      ...[`From: ${ofCall.local}`, `To: <${carol.aor}>`, `Call-ID: ${alice.call.id}`, "CSeq: 2 INVITE", `Contact: ${alice.contact}`],
    ]);
    await world.settle();
    carol.answers();
    await world.settle();
    const hears = bob.replies.bind(bob);
    bob.replies = (request, own, ...more) => {
      const isHers = request.method === "BYE" && cseqOf(request) < 10;
      if (!isHers) hears(request, own, ...more);
      else if (status !== undefined) hears(request, status);
    };
    alice.within("BYE", ofCall, [], 2);
    await world.settle();
    const state = bob.state;
    alice.within("BYE", { ...ofCall, routes: headers(carol.last("INVITE"), "record-route") }, [], 7);
    await world.settle();
    expect(carol.all("BYE").length).toBe(0);
    await world.pass(100);
    expect([state, cseqOf(bob.last("BYE")) > 10]).toEqual([bob.state, true]);
  });

  it("is ended also if its caller has written another target in a request before the answer", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { maximumSeconds: 60 });
    await alice.comesOnline();
    const call = alice.invites(bob.aor);
    await world.settle();
    const ringing = alice.last(180);
    const [local, remote, routes] = [header(ringing, "from") ?? "", header(ringing, "to") ?? "", headers(ringing, "record-route")];
    alice.within("PRACK", { local, remote, callId: call.id, routes, target: "sip:x@nowhere.invalid", cseq: 2, inviteCseq: 1 }, [
      "RAck: 1 1 INVITE",
    ]);
    await world.settle();
    bob.answers();
    await world.settle();
    await world.pass(65);
    expect(bob.all("BYE").map(({ requestUri }) => requestUri)).toEqual([uriOf(bob)]);
  });

  it("has few rows, whatever tags its caller makes up", async () => {
    const { world, alice, bob } = await talking();
    const ofCall = alice.call.dialog as NonNullable<typeof alice.call.dialog>;
    for (let tag = 0; tag < 30; tag += 1) alice.within("ACK", { ...ofCall, remote: `<${bob.aor}>;tag=made-up-${tag}` }, [], 1);
    await world.settle();
    expect(world.homeOf("alice").sql.rows("timed_calls").length).toBeLessThanOrEqual(8);
    await world.pass(65);
    expect([bob.state, world.homeOf("alice").sql.rows("timed_calls").length]).toEqual(["ended by bye", 0]);
  });

  it("is ended also after a BYE with its Call-ID and tags of another user than the called one", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    const carol = await scenario.joins("carol");
    world.signsInByToken("alice", { maximumSeconds: 60 });
    await alice.comesOnline();
    // Her tag is the one that alice gives herself in her own call.
    carol.sends("INVITE", alice.aor, aCall(carol, alice.aor, "shared"));
    await world.settle();
    const routes = headers(alice.last("INVITE"), "record-route");
    alice.sends("INVITE", bob.aor, aCall(alice, bob.aor, "shared"));
    await world.settle();
    bob.answers();
    await world.settle();
    const answer = alice.last(200, "INVITE");
    const [local, remote] = [header(answer, "from") ?? "", header(answer, "to") ?? ""];
    alice.within(
      "ACK",
      { local, remote, callId: "shared", routes: headers(answer, "record-route"), target: uriOf(bob), cseq: 1, inviteCseq: 1 },
      [],
      1,
    );
    await world.settle();
    expect(bob.state).toBe("talking");
    const bye = carol.within("BYE", {
      local: `<${carol.aor}>;tag=shared`,
      remote,
      callId: "shared",
      routes,
      target: uriOf(alice),
      cseq: 9,
      inviteCseq: 1,
    });
    await world.settle();
    expect(alice.all("BYE").length).toBe(0);
    expect(bye.final).toBeGreaterThan(0);
    await world.pass(65);
    expect(bob.state).toBe("ended by bye");
  });

  it("is ended also when its caller, who is not registered, was on another connection when the answer came", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { maximumSeconds: 60, scope: ["call"] });
    await alice.comesOnline();
    const call = alice.invites(bob.aor);
    await world.settle();
    const ringing = alice.last(180);
    alice.leaves();
    const other = await scenario.joins("alice");
    bob.answers();
    await world.settle();
    expect([...alice.all(200, "INVITE"), ...other.all(200, "INVITE")]).toEqual([]);
    const [remote, routes] = [header(ringing, "to") ?? "", headers(ringing, "record-route").reverse()];
    const local = header(ringing, "from") ?? "";
    other.within("ACK", { local, remote, callId: call.id, routes, target: uriOf(bob), cseq: 1, inviteCseq: 1 }, [], 1);
    await world.settle();
    expect(bob.state).toBe("talking");
    await world.pass(65);
    expect(bob.state).toBe("ended by bye");
  });

  it("that is over hears one more BYE at its time, and nothing else happens", async () => {
    const { world, alice, bob } = await talking();
    bob.hangsUp();
    await world.settle();
    await world.pass(30);
    alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    await world.pass(32);
    expect([alice.all("BYE").length, bob.all("BYE").length, ...states(scenario)]).toEqual([2, 1, "talking", "talking"]);
    alice.hangsUp();
    await world.settle();
    await world.pass(100);
    expect([world.homeOf("alice").sql.rows("timed_calls"), world.faults]).toEqual([[], []]);
  });

  it("takes no place among the calls at once when it is over", async () => {
    const { world, alice, bob } = await talking({ maximumSeconds: 3600 });
    for (let calls = 0; calls < 60; calls += 1) {
      alice.hangsUp();
      await world.settle();
      alice.invites(bob.aor);
      await world.settle();
      bob.answers();
      await world.settle();
      expect([calls, ...states(scenario)]).toEqual([calls, "talking", "talking"]);
    }
  });

  it("is none for a request that no call needs, such as the refresh of a subscription", async () => {
    const { world, alice } = await talking();
    const ofCall = alice.call.dialog as NonNullable<typeof alice.call.dialog>;
    for (const method of ["SUBSCRIBE", "INFO", "OPTIONS", "NOTIFY"])
      alice.within(method, { ...ofCall, remote: "<sip:bob@example.com>;tag=b" });
    await world.settle();
    expect(world.homeOf("alice").sql.rows("timed_calls").length).toBe(1);
  });
});

describe.each(losses)("a loss (%s) at any step of a call of a minute", (loss) => {
  it("does not keep it from its end", async () => {
    let at = 0;
    for (let steps = 1; at < steps; at += 3) {
      scenario = await startScenario({ absent: ["alice"] });
      const { world, alice, bob } = scenario;
      world.signsInByToken("alice", { maximumSeconds: 60 });
      await alice.comesOnline();
      const before = world.steps;
      world.plan(at, loss);
      alice.invites(bob.aor);
      await world.settle();
      if (bob.state === "ringing") bob.answers();
      await world.settle();
      steps = world.steps - before;
      await world.pass(75);
      expect([at, alice.state === "talking", bob.state === "talking", world.faults]).toEqual([at, false, false, []]);
      world.end();
    }
    expect(at).toBeGreaterThan(10);
  });
});

const uriOf = ({ contact }: SimulatedPhone) => contact.slice(1, -1);
const aCall = (by: SimulatedPhone, to: string, callId: string) => [
  ...[`From: <${by.aor}>;tag=${callId}`, `To: <${to}>`, `Call-ID: ${callId}`, "CSeq: 1 INVITE", `Contact: ${by.contact}`],
];
const cseqOf = (request: Parameters<typeof header>[0]) => Number.parseInt(header(request, "cseq") ?? "", 10);

describe("a token", () => {
  it("with maximum_calls begins no more calls than that, whatever is lost meanwhile", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { maximumCalls: 2 });
    await alice.comesOnline();
    for (const loss of ["evict", "kill"] as const) {
      alice.invites(bob.aor);
      await world.settle();
      bob.rejects(486);
      await world.settle();
      expect(alice.state).toBe("ended 486");
      world.lose(loss);
      await world.pass(5);
    }
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("ended 403");
    expect(alice.last(403).startLine).toContain("The token of this connection has no calls left");
    expect(bob.all("INVITE").length).toBe(2);
  });

  it("with maximum_calls counts a second call with the branch of one that rings, which goes nowhere", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    const carol = await scenario.joins("carol");
    world.signsInByToken("alice", { maximumCalls: 1 });
    await alice.comesOnline();
    const { invite } = alice.invites(bob.aor);
    await world.settle();
    alice.sends("INVITE", carol.aor, aCall(alice, carol.aor, "other"), "", invite?.branch);
    await world.settle();
    expect([carol.all("INVITE").length, header(alice.last(400), "warning")]).toEqual([0, '399 offhook "another call has this branch"']);
    expect([bob.state, bob.all("CANCEL").length]).toEqual(["ringing", 0]);
  });

  it("with targets asks for no call to another address", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { targets: ["bob@example.com", "+4930*@example.com"] });
    await alice.comesOnline();
    alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    const refers = async (to: string) => {
      const { dialog } = alice.call;
      const sent = alice.within("REFER", dialog as NonNullable<typeof dialog>, [`Refer-To: ${to}`, `Contact: ${alice.contact}`]);
      await world.settle();
      return sent.final;
    };
    const finals = [];
    const others = ["<sip:carol@example.com>", "tel:+4940123", "<sip:bob@elsewhere.example>", "<https://shop.example>", "a b"];
    for (const to of [bob.aor, "<tel:+49-30-123>", `<${bob.aor}>, <${bob.aor}>`, ...others]) finals.push(await refers(to));
    expect(finals).toEqual([200, 200, 400, 403, 403, 403, 403, 400]);
    const outside = alice.sends("REFER", bob.aor, [
      ...aCall(alice, bob.aor, "outside").slice(0, 3),
      "CSeq: 1 REFER",
      "Refer-To: <sip:carol@example.com>",
    ]);
    await world.settle();
    expect(outside.final).toBe(403);
    expect(bob.all("REFER").length).toBe(2);
  });

  it("with maximum_calls refuses while they cannot be counted: 503", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { maximumCalls: 2 });
    await alice.comesOnline();
    world.loseDirectory();
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("ended 503");
  });

  it("without the scope register has 403 for REGISTER, and calls", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { scope: ["call"] });
    await alice.comesOnline();
    expect(alice.last(403, "REGISTER")).toBeDefined();
    alice.invites(bob.aor);
    await world.settle();
    expect(bob.state).toBe("ringing");
  });

  it("for one connection closes the one before it, and the call goes on", async () => {
    scenario = await startScenario({ absent: ["alice"] });
    const { world, alice, bob } = scenario;
    world.signsInByToken("alice", { isSingleUse: true });
    await alice.comesOnline();
    alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    alice.isDeaf();
    await world.pass(5);
    bob.hangsUp();
    await world.settle();
    expect([alice.state, alice.all("BYE").length, world.faults]).toEqual(["ended by bye", 1, []]);
  });
});
