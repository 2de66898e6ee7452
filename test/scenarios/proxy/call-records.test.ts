import { afterEach, describe, expect, it } from "vitest";
import type { CallRecord } from "../../../lib/proxy/call-record/call-record.ts";
import { type Scenario, type ScenarioOptions, startRinging, startScenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const records = (): CallRecord[] => scenario.world.callRecords();
const events = ({ timeline }: Pick<CallRecord, "timeline">): string[] =>
  timeline.map(({ event, branch, status }) => [event, branch, status].filter((one) => one !== undefined).join(" "));

/** What became of a call for which this was done, with the seconds from its beginning. */
async function recordAfter(
  act: (scenario: Scenario) => void | Promise<void>,
  begin = startRinging,
  options?: ScenarioOptions,
): Promise<CallRecord> {
  scenario = await begin(options);
  await act(scenario);
  await scenario.world.settle();
  const [record, ...more] = records();
  expect([more, scenario.world.faults]).toEqual([[], []]);
  if (record === undefined) throw new Error("there is no record");
  return record;
}

describe("the record of a call", () => {
  it("is written when the call is over, and says who called whom, when, with what, and who ended it", async () => {
    scenario = await startScenario({ alice: { userAgent: "SIP.js/0.21.2" } });
    const { alice, bob, world } = scenario;
    const started = Date.now();
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(12);
    const answered = Date.now();
    bob.answers();
    await world.settle();
    await world.pass(65);
    expect(records()).toEqual([]);
    const ended = Date.now();
    alice.hangsUp();
    await world.settle();
    const [record, ...more] = records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      ...{ callId: alice.call.id, caller: "alice@example.com", callee: "bob@example.com", dialled: "sip:bob@example.com" },
      ...{ outcome: "answered", status: 200, endedBy: "caller", forwarded: [], callerDevice: "SIP.js/0.21.2" },
      ...{ started, rang: started, answered, ended },
    });
    expect(record && events(record)).toEqual(["invite", "sent 0", "provisional 0 180", "final 0 200", "final 200", "bye"]);
  });

  it("by its outcome: the called user hangs up", async () => {
    expect(await recordAfter(({ bob }) => bob.hangsUp(), startTalking)).toMatchObject({ outcome: "answered", endedBy: "callee" });
  });

  it.each([
    [486, "busy"],
    [600, "busy"],
    [603, "declined"],
    [480, "missed"],
    [404, "failed"],
    [503, "failed"],
  ] as const)("by its outcome: the phone answers %i", async (status, outcome) => {
    const record = await recordAfter(({ bob }) => bob.rejects(status));
    expect(record).toMatchObject({ outcome, status: status === 503 ? 500 : status, endedBy: status === 503 ? "server" : "callee" });
    expect(record.answered).toBeUndefined();
  });

  it("by its outcome: the caller gives up", async () => {
    const record = await recordAfter(({ alice }) => alice.cancels());
    expect(record).toMatchObject({ outcome: "cancelled", status: 487, endedBy: "caller" });
    expect(events(record)).toEqual(["invite", "sent 0", "provisional 0 180", "cancel 0", "cancel", "final 0 487", "final 487"]);
  });

  it("by its outcome: it was answered at another place (RFC 3326)", async () => {
    const record = await recordAfter(({ alice }) => alice.cancels(alice.call, ['Reason: SIP;cause=200;text="Call completed elsewhere"']));
    expect(record).toMatchObject({ outcome: "answered elsewhere", endedBy: "caller" });
  });

  it("by its outcome: the phone rings until the end", async () => {
    const record = await recordAfter(({ world }) => world.pass(230));
    expect(record).toMatchObject({ outcome: "missed", endedBy: "server", why: "no answer in time" });
  });

  it("by its outcome: the user has no phone", async () => {
    const record = await recordAfter(({ alice }) => void alice.invites("sip:bob@example.com"), startScenario, { absent: ["bob"] });
    expect(record).toMatchObject({ outcome: "missed", status: 480, endedBy: "server", caller: "alice@example.com" });
  });

  it("by its outcome: there is no such user", async () => {
    const record = await recordAfter(({ alice }) => void alice.invites("sip:nobody@example.com"), startScenario);
    expect(record).toMatchObject({ outcome: "failed", status: 404, endedBy: "server", dialled: "sip:nobody@example.com" });
    expect(events(record)).toEqual(["invite", "final 404"]);
  });

  it.each(["alice", "bob"])("by its outcome: an administrator ends it, asked at the home of %s", async (user) => {
    const record = await recordAfter(async ({ world }) => {
      const [call] = await world.homeOf(user).handle((home) => home.calls());
      await world.homeOf(user).handle((home) => home.endCall(call?.id ?? ""));
    }, startTalking);
    expect(record).toMatchObject({ outcome: "answered", endedBy: "server" });
  });

  it.each(["alice", "bob"] as const)("by its outcome: %s loses the network and does not come back", async (user) => {
    const record = await recordAfter(async (all) => {
      all[user].leaves();
      await all.world.pass(200);
    }, startTalking);
    expect(record).toMatchObject({ outcome: "answered", endedBy: "network" });
    // Only the home of the called user sees its own phone go.
    expect(events(record).includes("flow lost")).toBe(user === "bob");
  });

  it("by its outcome: the caller loses the network while it rings", async () => {
    const record = await recordAfter(async ({ alice, world }) => {
      alice.leaves();
      await world.pass(60);
    });
    expect(record).toMatchObject({ outcome: "cancelled", endedBy: "network" });
  });

  it("has the loss and the return of a connection, while it rings and in the call", async () => {
    const record = await recordAfter(async ({ alice, bob, world }) => {
      bob.isCut();
      await world.pass(3);
      bob.answers();
      await world.pass(3);
      bob.isCut();
      await world.pass(3);
      alice.hangsUp();
    });
    expect(events(record).filter((event) => event.startsWith("flow"))).toEqual([
      "flow lost 0",
      "flow regained 0",
      "flow lost",
      "flow regained",
    ]);
  });

  it("names the phones that answered, each with its User-Agent", async () => {
    const record = await recordAfter(async ({ alice, bob, joins, world }) => {
      const other = await joins("bob");
      alice.invites(bob.aor);
      await world.settle();
      other.replies(other.last("INVITE"), 486, ["User-Agent: Desk 1"]);
      bob.replies(bob.last("INVITE"), 603, ["Server: Desk 2"]);
    }, startScenario);
    expect(record.devices.map(({ userAgent, way }) => [userAgent, way])).toEqual([
      ["Desk 1", "dedicated"],
      ["Desk 2", "dedicated"],
    ]);
  });

  it("is written when the answer to a BYE never comes", async () => {
    scenario = await startTalking({ bob: { isManual: true } });
    const { alice, world } = scenario;
    alice.hangsUp();
    await world.pass(7200);
    expect(records()).toMatchObject([{ outcome: "answered", endedBy: "caller" }]);
  });

  it("is one, at the home that forwarded the call, with the end that only others see", async () => {
    scenario = await startScenario({
      rules: { bob: { forward: { always: "sip:carol@example.com" } }, carol: { forward: { busy: "sip:dave@example.com" } } },
    });
    const { alice, world, joins } = scenario;
    const [carol, dave] = [await joins("carol"), await joins("dave")];
    alice.invites("sip:bob@example.com");
    await world.settle();
    carol.rejects(486);
    await world.settle();
    dave.answers();
    await world.pass(20);
    dave.hangsUp();
    await world.settle();
    expect(records()).toMatchObject([
      {
        caller: "alice@example.com",
        callee: "bob@example.com",
        outcome: "answered",
        endedBy: "callee",
        forwarded: ["sip:carol@example.com"],
      },
    ]);
    const [{ ended = 0, answered = 0 } = {}] = records();
    expect(Math.round((ended - answered) / 1000)).toBe(20);
  });

  it("is none where there are none", async () => {
    scenario = await startTalking({ settings: { CALL_RECORD_DAYS: "0" } });
    scenario.alice.hangsUp();
    await scenario.world.pass(100);
    expect(records()).toEqual([]);
  });
});

describe("the record of a call is not lost", () => {
  it.each(["evict", "abort", "kill"] as const)(
    "when homes lose what they have in memory while it rings and in the call: %s",
    async (loss) => {
      scenario = await startRinging();
      const { alice, bob, world } = scenario;
      world.lose(loss, world.homeOf("bob"));
      await world.pass(3);
      bob.answers();
      await world.pass(3);
      world.lose(loss, world.homeOf("bob"));
      await world.pass(20);
      bob.hangsUp();
      await world.settle();
      expect(records()).toMatchObject([{ callId: alice.call.id, outcome: "answered", endedBy: "callee" }]);
    },
  );

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])("when everything stops %i steps after the BYE was sent", async (steps) => {
    scenario = await startTalking();
    const { alice, world } = scenario;
    await world.pass(5);
    alice.hangsUp();
    world.plan(steps, "kill");
    await world.pass(400);
    for (const user of ["alice", "bob"]) await world.homeOf(user).handle((home) => home.alarm());
    await world.settle();
    expect(records()).toMatchObject([{ outcome: "answered", endedBy: expect.stringMatching("caller|network") as string }]);
    expect([world.homeOf("bob").sql.rows("contexts"), world.faults]).toEqual([[], []]);
  });

  it.each(["answered", "refused", "unknown"] as const)("while the directory is down: a call that is %s", async (kind) => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    // Both are known to their homes and to the directory's cache.
    alice.invites(bob.aor);
    await world.settle();
    bob.rejects(486);
    await world.settle();
    const before = records().length;
    world.loseDirectory();
    const call = alice.invites(kind === "unknown" ? "sip:nobody@example.com" : bob.aor);
    await world.settle();
    if (kind === "answered") bob.answers();
    if (kind === "refused") bob.rejects(486);
    await world.pass(10);
    if (kind === "answered") alice.hangsUp(call);
    await world.pass(1800);
    expect(records().length).toBe(before);
    world.restoreDirectory();
    await world.pass(1200);
    expect(
      records()
        .slice(before)
        .map(({ callId }) => callId),
    ).toEqual([call.id]);
    expect(["alice", "bob"].flatMap((user) => ["contexts", "call_records"].flatMap((table) => world.homeOf(user).sql.rows(table)))).toEqual(
      [],
    );
  });

  it("when its last phone, its caller and all memory go at once: it ends by the network", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    alice.leaves();
    bob.leaves();
    world.lose("kill");
    await world.pass(4 * 3600);
    expect(records()).toMatchObject([{ outcome: "answered", endedBy: "network" }]);
    expect(world.homeOf("bob").sql.rows("contexts")).toEqual([]);
  });

  it("is one, though its INVITE is played again when the call is over, since the receipt was lost", async () => {
    const record = await recordAfter(async ({ alice, bob, world }) => {
      await world.changeRules("bob", { forward: { always: "sip:carol@example.com" } });
      world.loseReceipts(world.homeOf("bob"), 2);
      alice.invites(bob.aor);
      await world.pass(5);
      expect(alice.state).toBe("ended 480");
    }, startScenario);
    expect(record).toMatchObject({ callee: "bob@example.com", forwarded: ["sip:carol@example.com"], status: 480 });
  });
});
