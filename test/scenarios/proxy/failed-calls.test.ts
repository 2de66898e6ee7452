import { afterEach, describe, expect, it } from "vitest";
import type { FailedCall } from "../../../lib/failed-call.ts";
import { type Scenario, startScenario, startRinging } from "../world/scenario.ts";
import type { Loss } from "../world/world.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** What the home of a user tells of failed calls. */
const failedAt = (user: string): Promise<readonly FailedCall[]> => scenario.world.homeOf(user).handle((home) => home.failedCalls());
const rowsAt = (user: string): number => scenario.world.homeOf(user).sql.rows("failed_calls").length;
const startLines = ({ messages }: FailedCall): string[] =>
  messages.map(({ direction, text }) => `${direction} ${text.slice(0, text.indexOf("\r\n")).replace(/ sip:\S+/, "")}`);
const minutes = 60;

describe("a failed call is told of ten minutes later", () => {
  it.each(["evict", "abort", "kill"] as const)("by both homes, with its messages, after %s", async (loss: Loss) => {
    scenario = await startRinging();
    const { alice, bob, world } = scenario;
    bob.rejects(486);
    await world.settle();
    await world.pass(10 * minutes);
    world.lose(loss, world.homeOf("bob"));
    const shared = { callId: alice.call.id, status: 486, reason: "Whatever" };
    const [atAlice, ...others] = await failedAt("alice");
    expect(atAlice).toMatchObject({ ...shared, side: "caller", from: expect.stringContaining(alice.aor) as unknown });
    expect(startLines(atAlice as FailedCall)).toEqual([
      ...["in INVITE SIP/2.0", "out SIP/2.0 100 Trying", "out SIP/2.0 180 Whatever", "out SIP/2.0 486 Whatever"],
    ]);
    expect(others).toEqual([]);
    const [atBob] = await failedAt("bob");
    expect(atBob).toMatchObject({ ...shared, side: "callee", to: expect.stringContaining(bob.aor) as unknown });
    expect(startLines(atBob as FailedCall)).toEqual([
      ...["in INVITE SIP/2.0", "out INVITE SIP/2.0", "in SIP/2.0 180 Whatever", "in SIP/2.0 486 Whatever", "out ACK SIP/2.0"],
      "out SIP/2.0 486 Whatever",
    ]);
    expect(world.faults).toEqual([]);
  });

  it("also where it rang so long that the homes slept meanwhile: the callee's home has the INVITE and its offer still", async () => {
    scenario = await startRinging();
    const { alice, bob, world } = scenario;
    await world.pass(40);
    bob.rejects(603);
    await world.settle();
    await world.pass(10 * minutes);
    const [atAlice] = await failedAt("alice");
    expect([startLines(atAlice as FailedCall), atAlice?.ms]).toEqual([["out SIP/2.0 603 Whatever"], expect.closeTo(40_000, -3)]);
    const [atBob] = await failedAt("bob");
    expect([atBob?.callId, atBob?.status]).toEqual([alice.call.id, 603]);
    expect(startLines(atBob as FailedCall)[0]).toBe("in INVITE SIP/2.0");
    expect(atBob?.messages[0]?.text).toContain("v=0\r\n");
  });

  it.each([
    ["whose user has no phone there", {}, 480, "no phone of this user is registered"],
    ["to somebody who takes none", { doNotDisturb: true }, 486, "this user does not accept calls now (do_not_disturb)"],
    ["to somebody who has enough", { maximumCalls: 0 }, 486, "this user has the maximum number of calls (maximum_calls)"],
    ["from somebody who is blocked", { blocked: ["alice@example.com"] }, 603, "the user does not accept requests from this sender"],
  ])("with our reason, if it went to no phone: %s", async (_who, rules, status, why) => {
    scenario = await startScenario({ rules: { bob: rules } });
    const { alice, bob, world } = scenario;
    if (status === 480) bob.unregisters();
    await world.settle();
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(10 * minutes);
    for (const user of ["alice", "bob"]) expect(await failedAt(user)).toMatchObject([{ callId: alice.call.id, status, why }]);
  });

  it.each([
    ["to nobody", "sip:nobody@example.com", 404],
    ["to another domain, which nobody may call", "sip:x@elsewhere.example", 403],
    ["to somebody who has never registered", "sip:carol@example.com", 480],
  ])("with our reason, if it went to no other home: %s", async (_what, uri, status) => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    alice.invites(uri);
    await world.settle();
    await world.pass(10 * minutes);
    const why = expect.stringMatching(/\w+ \w+/) as unknown;
    expect(await failedAt("alice")).toMatchObject([{ callId: alice.call.id, status, why, side: "caller" }]);
  });

  it("if nobody has answered in time: the phone's 487 is no CANCEL of the caller then", async () => {
    scenario = await startRinging({ settings: { RING_TIMEOUT: "30" } });
    const { alice, world } = scenario;
    await world.pass(10 * minutes);
    for (const user of ["alice", "bob"]) {
      expect(await failedAt(user)).toMatchObject([{ callId: alice.call.id, status: 487, why: "no answer in time" }]);
      expect((await failedAt(user))[0]?.ms).toBeCloseTo(30_000, -4);
    }
  });

  it("if the phone is silent", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(10 * minutes);
    for (const user of ["alice", "bob"])
      expect(await failedAt(user)).toMatchObject([{ callId: alice.call.id, status: 408, why: "no answer in time" }]);
  });

  it("if it was sent on: by each of the homes, once", async () => {
    scenario = await startScenario({ rules: { bob: { forward: { always: "sip:carol@example.com" } } } });
    const carol = await scenario.joins("carol");
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    carol.rejects(486);
    await scenario.world.settle();
    for (const user of ["alice", "bob", "carol"])
      expect(await failedAt(user)).toMatchObject([{ callId: scenario.alice.call.id, status: 486 }]);
  });

  it("with a Call-ID that is longer than what is kept of it, with its messages all the same", async () => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    const uri = "sip:nobody@example.com";
    const callId = `${"x".repeat(300)}@example.com`;
    alice.sends("INVITE", uri, [`From: <${alice.aor}>;tag=1`, `To: <${uri}>`, `Call-ID: ${callId}`, "CSeq: 1 INVITE"]);
    await world.settle();
    const [failed] = await failedAt("alice");
    expect([failed?.callId, startLines(failed as FailedCall)]).toEqual([
      callId.slice(0, 256),
      ["in INVITE SIP/2.0", "out SIP/2.0 404 Not Found"],
    ]);
  });

  it("between two phones of one user once", async () => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    const other = await scenario.joins("alice");
    alice.invites(alice.aor);
    await world.settle();
    other.rejects(486);
    await world.settle();
    expect(await failedAt("alice")).toMatchObject([{ callId: alice.call.id, status: 486, side: "caller" }]);
  });
});

describe("what is no failed call costs no row", () => {
  it("one that is answered, and one that the caller gives up", async () => {
    scenario = await startRinging();
    const { alice, bob, world } = scenario;
    bob.answers();
    await world.settle();
    alice.hangsUp();
    await world.settle();
    alice.invites(bob.aor);
    await world.settle();
    alice.cancels();
    await world.settle();
    expect(alice.state).toBe("ended 487");
    expect([rowsAt("alice"), rowsAt("bob")]).toEqual([0, 0]);
  });

  it.each([401, 407])("one whose phone asks for credentials: %i", async (status) => {
    scenario = await startRinging();
    const { alice, bob, world } = scenario;
    bob.rejects(status, ['WWW-Authenticate: Digest realm="bob", nonce="1"']);
    await world.settle();
    expect([alice.state, rowsAt("alice"), rowsAt("bob")]).toEqual([`ended ${status}`, 0, 0]);
  });

  it("one that we redirect, since the caller wants it so (RFC 3841 §9.1); a phone's own 302 does", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor, ["Request-Disposition: redirect"]);
    await world.settle();
    expect([alice.state, rowsAt("alice"), rowsAt("bob")]).toEqual(["ended 302", 0, 0]);
    alice.invites(bob.aor);
    await world.settle();
    bob.rejects(302, ["Contact: <sip:carol@example.com>"]);
    await world.settle();
    expect([alice.state, rowsAt("alice"), rowsAt("bob")]).toEqual(["ended 302", 1, 1]);
  });

  it("a refused MESSAGE", async () => {
    scenario = await startScenario();
    scenario.alice.asks("MESSAGE", "sip:nobody@example.com");
    await scenario.world.settle();
    expect(rowsAt("alice")).toBe(0);
  });

  it("the INVITE of somebody who has not authenticated", async () => {
    scenario = await startScenario();
    const { world, bob } = scenario;
    const connection = await world.connect("bob");
    const invite = (cseq: number, more: string) =>
      `INVITE ${bob.aor} SIP/2.0\r\nVia: SIP/2.0/WSS x.invalid;branch=z9hG4bK${cseq}\r\n${more}From: <${bob.aor}>;tag=1\r\n` +
      `To: <${bob.aor}>\r\nCall-ID: stranger${cseq}\r\nCSeq: ${cseq} INVITE\r\nContent-Length: 0\r\n\r\n`;
    connection.send(invite(1, "Max-Forwards: 70\r\n"));
    connection.send(invite(2, "Max-Forwards: x\r\n"));
    connection.send(invite(3, "Max-Forwards: 70\r\nVia: x\r\n"));
    await world.settle();
    expect(rowsAt("bob")).toBe(0);
  });
});

describe("failed calls are bounded", () => {
  it("ten a minute, whatever sleeps between, and fifty at most, the newest", async () => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    for (let count = 0; count < 12; count += 1) {
      for (let call = 0; call < 3; call += 1) alice.invites("sip:nobody@example.com");
      await world.settle();
      await world.pass(2);
      world.lose("evict");
    }
    expect(rowsAt("alice")).toBe(10);
    for (let count = 0; count < 60; count += 1) {
      alice.invites("sip:nobody@example.com");
      await world.settle();
      await world.pass(10);
    }
    const failed = await failedAt("alice");
    expect([failed.length, rowsAt("alice"), failed.at(-1)?.callId]).toEqual([50, 50, alice.call.id]);
    expect(failed.map(({ at }) => at)).toEqual(failed.map(({ at }) => at).sort((one, other) => one - other));
  });

  it("of one caller three a minute and twelve at most, so that nobody crowds out the others", async () => {
    scenario = await startScenario({ rules: { bob: { doNotDisturb: true } } });
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    carol.invites(bob.aor);
    await world.settle();
    for (let count = 0; count < 5; count += 1) alice.invites(bob.aor);
    await world.settle();
    expect(rowsAt("bob")).toBe(4);
    for (let count = 0; count < 60; count += 1) {
      alice.invites(bob.aor);
      await world.settle();
      await world.pass(15);
    }
    const callers = (await failedAt("bob")).map(({ from }) => from.includes(alice.aor));
    expect(callers).toEqual([false, ...Array<boolean>(12).fill(true)]);
  });

  it("kept for a day, then deleted though nothing happens any more", async () => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    alice.invites("sip:nobody@example.com");
    await world.settle();
    alice.leaves(1000);
    await world.pass(86_400 - 120);
    expect(await failedAt("alice")).toHaveLength(1);
    await world.pass(120);
    expect(await failedAt("alice")).toEqual([]);
    await world.pass(3600);
    expect(rowsAt("alice")).toBe(0);
  });

  it("not at all where TRACE_LENGTH is 0", async () => {
    scenario = await startScenario({ settings: { TRACE_LENGTH: "0" } });
    scenario.alice.invites("sip:nobody@example.com");
    await scenario.world.settle();
    expect([rowsAt("alice"), await failedAt("alice")]).toEqual([0, []]);
  });

  it("and gone with their user", async () => {
    scenario = await startScenario();
    scenario.alice.invites("sip:nobody@example.com");
    await scenario.world.settle();
    expect(rowsAt("alice")).toBe(1);
    await scenario.world.homeOf("alice").handle((home) => home.subscriberDeleted());
    expect(rowsAt("alice")).toBe(0);
  });
});
