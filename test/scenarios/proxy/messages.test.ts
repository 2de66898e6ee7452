import { afterEach, describe, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const text = ["Content-Type: text/plain"];

/** Bob's phone is gone for good, and alice has written to him. */
async function writes(bodies: readonly string[], options: ScenarioOptions = {}) {
  scenario = await startScenario(options);
  const { alice, bob, world } = scenario;
  bob.leaves();
  await world.pass(31);
  const sent = bodies.map((body) => alice.asks("MESSAGE", bob.aor, text, body));
  await world.settle();
  return { ...scenario, sent };
}

describe("messages for a user without a phone (RFC 3428 §7)", () => {
  it("are taken: 202", async () => {
    const { sent } = await writes(["hello"]);
    expect(sent[0]?.final).toBe(202);
  });

  it("are delivered at the next registration, in order, with the Date they were sent", async () => {
    const { bob, world } = await writes(["one", "two", "three"]);
    const date = new Date().toUTCString();
    await world.pass(100);
    await bob.comesOnline();
    expect(bob.all("MESSAGE").map(({ body }) => body)).toEqual(["one", "two", "three"]);
    expect(header(bob.last("MESSAGE"), "date")).toBe(date);
  });

  it("are delivered once, if the phone takes them", async () => {
    const { bob } = await writes(["hello"]);
    await bob.comesOnline();
    bob.leaves();
    await bob.comesOnline();
    expect(bob.all("MESSAGE")).toHaveLength(1);
  });

  it("are offered again, with the same Call-ID, CSeq and branch, until a phone has taken them", async () => {
    const { bob } = await writes(["hello"], { bob: { isManual: true } });
    await bob.comesOnline();
    bob.leaves();
    await bob.comesOnline();
    const [first, second] = bob.all("MESSAGE");
    for (const name of ["call-id", "cseq", "via"])
      expect(headers(second ?? bob.last("MESSAGE"), name)).toEqual(headers(first ?? bob.last("MESSAGE"), name));
  });

  it.each(["kill", "evict", "abort"] as const)("survive a loss of memory: %s", async (loss) => {
    const { bob, world } = await writes(["hello"]);
    world.lose(loss, world.homeOf("bob"));
    await bob.comesOnline();
    expect(bob.all("MESSAGE")).toHaveLength(1);
  });

  it("are thrown away when they are too old", async () => {
    const { bob, world } = await writes(["hello"], { settings: { STORED_MESSAGE_AGE: "60" } });
    await world.pass(61);
    await bob.comesOnline();
    expect(bob.all("MESSAGE")).toHaveLength(0);
  });

  it("are thrown away though nothing else happens there", async () => {
    scenario = await startScenario({ settings: { STORED_MESSAGE_AGE: "3600" } });
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.pass(60);
    alice.asks("MESSAGE", bob.aor, text, "hello");
    await world.settle();
    await world.pass(26 * 3600);
    expect(world.homeOf("bob").sql.rows("messages")).toEqual([]);
  });

  it("are thrown away when the sender's Expires is over", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.pass(31);
    alice.asks("MESSAGE", bob.aor, [...text, "Expires: 10"], "soon");
    await world.settle();
    await world.pass(11);
    await bob.comesOnline();
    expect(bob.all("MESSAGE")).toHaveLength(0);
  });

  it("are refused when there are too many: 480", async () => {
    const { sent } = await writes(["one", "two"], { settings: { STORED_MESSAGES: "1" } });
    expect(sent.map(({ final }) => final)).toEqual([202, 480]);
  });

  it("are refused when they are too long: 513", async () => {
    const { sent } = await writes(["x".repeat(100)], { settings: { STORED_MESSAGE_SIZE: "99" } });
    expect(sent[0]?.final).toBe(513);
  });

  it("are refused when their header lines are too long: 513", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.pass(31);
    const sent = alice.asks("MESSAGE", bob.aor, [...text, `X-Long: ${"x".repeat(9000)}`], "hello");
    await world.settle();
    expect(sent.final).toBe(513);
  });

  it("of one sender take a quarter of the places at most", async () => {
    const { sent, bob, world, joins } = await writes(["one", "two", "three"], { settings: { STORED_MESSAGES: "8" } });
    const carol = await joins("carol");
    const other = carol.asks("MESSAGE", bob.aor, text, "four");
    await world.settle();
    expect([...sent, other].map(({ final }) => final)).toEqual([202, 202, 480, 202]);
  });

  it("are stored once, though the callee's home dies before it has said that it has them", async () => {
    const delivered: number[] = [];
    for (let step = 1; step <= 6; step += 1) {
      scenario?.world.end();
      scenario = await startScenario();
      const { alice, bob, world } = scenario;
      bob.leaves();
      await world.pass(31);
      world.plan(step, "abort");
      const sent = alice.asks("MESSAGE", bob.aor, text, "hello");
      await world.pass(10);
      await bob.comesOnline();
      await world.settle();
      if (sent.final === 202) delivered.push(bob.all("MESSAGE").length);
    }
    expect(new Set(delivered)).toEqual(new Set([1]));
  });

  it("are not stored if that is switched off: 480", async () => {
    const { sent } = await writes(["hello"], { settings: { STORED_MESSAGES: "0" } });
    expect(sent[0]?.final).toBe(480);
  });

  it("that only say that somebody is typing are not stored (RFC 3994)", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.pass(31);
    const sent = alice.asks("MESSAGE", bob.aor, ["Content-Type: application/im-iscomposing+xml"], "<isComposing/>");
    await world.settle();
    expect(sent.final).toBe(480);
  });

  it("are not offered again once a phone has refused them for good", async () => {
    const { bob, world } = await writes(["hello"], { bob: { isManual: true } });
    await bob.comesOnline();
    bob.replies(bob.last("MESSAGE"), 415);
    await world.settle();
    bob.leaves();
    await bob.comesOnline();
    expect(bob.all("MESSAGE")).toHaveLength(1);
  });
});

describe("messages for a user with phones", () => {
  it("go to all of them, and one answer goes back", async () => {
    scenario = await startScenario();
    const { alice, bob, world, joins } = scenario;
    const second = await joins("bob");
    const sent = alice.asks("MESSAGE", bob.aor, text, "hello");
    await world.settle();
    expect([bob.all("MESSAGE").length, second.all("MESSAGE").length, sent.final]).toEqual([1, 1, 200]);
  });

  it("are stored when all phones are away for a moment, so that nobody waits for an answer", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.settle();
    const sent = alice.asks("MESSAGE", bob.aor, text, "hello");
    await world.settle();
    expect(sent.final).toBe(202);
    await bob.comesOnline();
    expect(bob.all("MESSAGE")).toHaveLength(1);
  });

  it("that a dying connection has swallowed come again on the next one", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    world.plan(3, "cut");
    const sent = alice.asks("MESSAGE", bob.aor, text, "hello");
    await world.settle();
    expect([bob.all("MESSAGE").length > 0, sent.final]).toEqual([true, 200]);
  });
});
