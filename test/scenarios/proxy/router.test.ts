import { afterEach, describe, expect, it } from "vitest";
import type { IncomingCall } from "../../../lib/routing/routing.ts";
import type { CallEvent } from "../../../lib/proxy/call-record/call-notes.ts";
import { header, headers } from "../../support/received-message.ts";
import { callByRouter } from "../world/routed-call.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** alice calls bob, and a router decides; carol's phone is registered. */
async function calls(route: (call: IncomingCall) => unknown, more: Parameters<Scenario["world"]["router"]>[1] = {}) {
  const routedCall = await callByRouter("sip:bob@example.com", route, { lines: ["X-Shop: 7", "User-to-User: 00AB"], more });
  scenario = routedCall;
  return routedCall;
}

const routed = (): readonly CallEvent[] => scenario.world.callRecords()[0]?.timeline.filter(({ event }) => event === "routed") ?? [];

describe("a router of the domain", () => {
  it("is asked once about a call, with what it may know, and its decision is in the record", async () => {
    const { alice, bob, carol, asked, world } = await calls(() => ({ action: "ring", targets: [{ to: "carol" }] }));
    expect([alice.state, bob.state, carol.state]).toEqual(["hears ringing", "idle", "ringing"]);
    carol.answers();
    await world.settle();
    expect([alice.state, carol.state]).toEqual(["talking", "talking"]);
    alice.hangsUp();
    await world.settle();
    const [record] = world.callRecords();
    expect(asked).toEqual([
      expect.objectContaining({
        ...{ id: record?.id, call_id: alice.call.id, domain: "example.com", dialled: "bob", caller: "alice@example.com" },
        ...{ caller_kind: "user", trunk: null, is_test: false, headers: { "x-shop": "7", "user-to-user": "00AB" } },
      }),
    ]);
    expect(record).toMatchObject({ outcome: "answered", endedBy: "caller", callee: "bob@example.com", forwarded: [] });
    expect(routed()).toEqual([expect.objectContaining({ action: "ring", milliseconds: expect.any(Number) as number })]);
    expect(world.faults).toEqual([]);
  });

  it("lets a call go on as without it", async () => {
    const { alice, bob, world } = await calls(() => ({ action: "continue", headers: { "X-Queue": "sales", "X-Shop": "8" } }));
    expect([alice.state, bob.state]).toEqual(["hears ringing", "ringing"]);
    expect(headers(bob.last("INVITE"), "x-queue")).toEqual(["sales"]);
    expect(headers(bob.last("INVITE"), "x-shop")).toEqual(["8"]);
    bob.answers();
    await world.settle();
    bob.hangsUp();
    await world.settle();
    expect(alice.state).toBe("ended by bye");
    expect(world.callRecords()[0]).toMatchObject({ callee: "bob@example.com", outcome: "answered", endedBy: "callee" });
  });

  it("refuses and redirects", async () => {
    const { alice, world } = await calls(() => ({ action: "reject", status: 603, reason: "Not Today" }));
    expect(alice.state).toBe("ended 603");
    expect(alice.last(603).startLine).toBe("SIP/2.0 603 Not Today");
    expect(world.callRecords()[0]).toMatchObject({ status: 603, why: "refused by the router of the domain", endedBy: "server" });
    scenario.world.end();
    const { alice: other } = await calls(() => ({ action: "redirect", uris: ["sip:carol@example.com", "tel:+4930123"] }));
    expect(other.state).toBe("ended 302");
    expect(header(other.last(302), "contact")).toContain("sip:carol@example.com");
  });
});

describe("the targets of a router", () => {
  it("ring one after another, each for its time", async () => {
    const targets = [
      { to: "carol", seconds: 10 },
      { to: "bob", after: 15, seconds: 20 },
    ];
    const { alice, bob, carol, world } = await calls(() => ({ action: "ring", targets }));
    await world.pass(9);
    expect([bob.state, carol.state]).toEqual(["idle", "ringing"]);
    await world.pass(2);
    expect([bob.state, carol.state]).toEqual(["ringing", "ended 487"]);
    await world.pass(21);
    expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
    expect(world.callRecords()[0]).toMatchObject({ why: "no answer in time" });
  });

  it("ring together if the first is still ringing when the second has its turn, and stop when one has answered", async () => {
    const { bob, carol, world } = await calls(() => ({ action: "ring", targets: [{ to: "carol" }, { to: "bob", after: 5 }] }));
    await world.pass(6);
    expect([bob.state, carol.state]).toEqual(["ringing", "ringing"]);
    bob.answers();
    await world.settle();
    expect([bob.state, carol.state]).toEqual(["talking", "ended 487"]);
  });

  it("ring earlier when all before them have refused, also after a loss of all memory", async () => {
    const { alice, bob, carol, world } = await calls(() => ({ action: "ring", targets: [{ to: "carol" }, { to: "bob", after: 60 }] }));
    world.lose("kill");
    await world.pass(4);
    carol.rejects(486);
    await world.settle();
    expect([alice.state, bob.state, carol.state]).toEqual(["hears ringing", "ringing", "ended 486"]);
  });

  it("do not ring any more when the caller has given up, or when one has declined for all (6xx)", async () => {
    const decision = { action: "ring", targets: [{ to: "carol" }, { to: "bob", after: 5 }] };
    const { alice, bob, carol, world } = await calls(() => decision);
    alice.cancels();
    await world.pass(10);
    expect([alice.state, bob.state, carol.state]).toEqual(["ended 487", "idle", "ended 487"]);
    world.end();
    const other = await calls(() => decision);
    other.carol.rejects(603);
    await other.world.pass(10);
    expect([other.alice.state, other.bob.state]).toEqual(["ended 603", "idle"]);
  });
});

const never = () => new Promise(() => undefined);
const unfit: readonly (readonly [string, (call: IncomingCall) => unknown, RegExp])[] = [
  ["is silent", never, /^no decision in 500 ms$/],
  ["throws", () => Promise.reject(new Error("out of order")), /^out of order$/],
  ["answers nothing", () => undefined, /^its decision is not valid/],
  ["answers with wrong types", () => ({ action: "ring", targets: "carol" }), /^its decision is not valid: targets: /],
  ["answers with an unknown action", () => ({ action: "explode" }), /^its decision is not valid: action: /],
  ["answers with 10 MiB", () => ({ action: "reject", status: 480, reason: "x".repeat(10_485_760) }), /^its decision is longer than/],
  ["names an unknown trunk", () => ({ action: "trunk", trunk: "nowhere", number: "+491" }), /^there is no trunk "nowhere"$/],
  ["redirects in a circle", () => ({ action: "redirect", uris: ["sip:bob@example.com"] }), /^the redirection leads back/],
  ["adds a header that is not its to add", () => ({ action: "continue", headers: { Route: "<sip:evil.example>" } }), /headers/],
  ["adds a line", () => ({ action: "continue", headers: { "X-A": "b\r\nRoute: <sip:evil.example>" } }), /headers\.X-A/],
  ["names what is no URI", () => ({ action: "ring", targets: [{ uri: "sip:" }] }), /is no URI of a user or number$/],
];

describe("without a decision the domain's fallback applies, and no call is lost, if the router", () => {
  it.each(unfit)("%s", async (_name, route, why) => {
    const { alice, bob, world } = await calls(route);
    expect([alice.state, bob.state]).toEqual(["hears ringing", "ringing"]);
    alice.cancels();
    await world.settle();
    const [event] = routed();
    expect(event).toMatchObject({ action: "continue", why: expect.stringMatching(why) as string });
    expect(event?.milliseconds).toBeLessThanOrEqual(600);
    expect(world.faults).toEqual([]);
  });

  it("is silent, and the domain wants such calls refused", async () => {
    const { alice, bob, world } = await calls(never, { fallback: "reject" });
    expect([alice.state, bob.state]).toEqual(["ended 480", "idle"]);
    expect(world.callRecords()[0]).toMatchObject({ why: "the router of the domain has not decided: no decision in 500 ms" });
    // Its secrets are not for callers.
    expect(header(alice.last(480), "warning")).toMatch(/the router of the domain has not decided"$/);
  });

  it("fails at once: it is asked a second time, and no third time", async () => {
    let count = 0;
    const { carol } = await calls(() => {
      count += 1;
      if (count === 1) throw new Error("not yet");
      return { action: "ring", targets: [{ to: "carol" }] };
    });
    expect([count, carol.state]).toEqual([2, "ringing"]);
    scenario.world.end();
    const { asked } = await calls(() => Promise.reject(new Error("never")));
    expect(asked.length).toBe(2);
  });
});

describe("a router is asked once", () => {
  const toCarol = { action: "ring", targets: [{ to: "carol" }] };
  const later = (decision: unknown, seconds: number) => () => new Promise((resolve) => setTimeout(() => resolve(decision), seconds * 1000));

  it("although the phone repeats its INVITE on a new connection", async () => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    const carol = await scenario.joins("carol");
    let count = 0;
    await world.router(() => later(toCarol, (count += 1) * 0.3)());
    const { invite } = alice.invites("sip:bob@example.com");
    await world.take(3);
    if (invite === undefined) throw new Error("there is no INVITE");
    alice.isCut();
    await world.settle();
    alice.sends("INVITE", invite.uri, invite.lines, "", invite.branch);
    await world.settle();
    expect([count, carol.all("INVITE").length, alice.state]).toEqual([1, 1, "hears ringing"]);
  });

  it("and a call that is cancelled meanwhile has ended, whatever it decides; the caller has 100 before", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    await world.router(later(toCarol, 0.4));
    alice.invites("sip:bob@example.com");
    await world.take(8);
    expect(alice.call.invite?.provisional).toBe(100);
    alice.cancels();
    await world.settle();
    expect([alice.state, bob.state, carol.state]).toEqual(["ended 487", "idle", "idle"]);
    expect(world.callRecords()[0]).toMatchObject({ outcome: "cancelled", status: 487, endedBy: "caller" });
    expect(world.faults).toEqual([]);
  });

  it("and a CANCEL finds a call that its caller's home has forgotten", async () => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    const carol = await scenario.joins("carol");
    await world.router(() => toCarol);
    alice.invites("sip:bob@example.com");
    await world.settle();
    world.lose("abort", world.homeOf("alice"));
    await world.settle();
    alice.cancels();
    await world.settle();
    expect([alice.state, carol.state]).toEqual(["ended 487", "ended 487"]);
  });

  it("and other calls do not wait for it", async () => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    const carol = await scenario.joins("carol");
    await world.router((call) => (call.dialled === "bob" ? never() : toCarol));
    alice.invites("sip:bob@example.com");
    alice.invites("sip:dave@example.com");
    await world.take(40);
    expect(carol.state).toBe("ringing");
  });

  it.each(["evict", "cut", "abort", "kill"] as const)("whatever is lost between any two steps: %s", async (loss) => {
    const play = async (at: number) => {
      scenario = await startScenario();
      const { alice, bob, world } = scenario;
      const carol = await scenario.joins("carol");
      let count = 0;
      await world.router(() => {
        count += 1;
        return toCarol;
      });
      const before = world.steps;
      world.plan(at, loss);
      alice.invites("sip:bob@example.com");
      await world.settle();
      await world.pass(3);
      const [state, isUnsent] = [alice.state, alice.call.invite?.provisional === 0 && count === 0];
      const rings = [bob.state, carol.state].filter((one) => one === "ringing").length;
      const outcome = { count, rings, state, isUnsent, faults: world.faults.length, steps: world.steps - before };
      world.end();
      return outcome;
    };
    const { steps } = await play(Number.POSITIVE_INFINITY);
    const outcomes: Awaited<ReturnType<typeof play>>[] = [];
    for (let at = 1; at <= steps; at += 1) outcomes.push(await play(at));
    const isWell = ({ isUnsent, count, rings, faults }: (typeof outcomes)[number]) =>
      count <= 1 && faults === 0 && (rings === 1 || (isUnsent && rings === 0));
    const lost = outcomes.filter((one) => !isWell(one));
    expect(lost).toEqual([]);
    expect(outcomes.filter(({ isUnsent }) => !isUnsent).length).toBeGreaterThan(10);
  });
});
