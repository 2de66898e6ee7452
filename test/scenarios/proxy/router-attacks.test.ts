import { afterEach, describe, expect, it } from "vitest";
import type { IncomingCall } from "../../../lib/routing/routing.ts";
import { header } from "../../support/received-message.ts";
import { homeHint } from "../../../lib/proxy/branch.ts";
import { loopMark } from "../../../lib/proxy/loop-detection.ts";
import { routingHome } from "../../../durable-objects/shared/routing-home.ts";
import { keyringOf } from "../../../platform/crypto/keyring.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { callByRouter } from "../world/routed-call.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const keyring = keyringOf([new Uint8Array(32).fill(7)]);
const routingHomeOf = (callId: string) => routingHome(keyring, "example.com", callId);

async function calls(...given: Parameters<typeof callByRouter>) {
  const routed = await callByRouter(...given);
  scenario = routed;
  return routed;
}

const echo = ({ dialled }: IncomingCall) => ({ action: "ring", targets: [{ to: dialled }] });

describe("what the caller has dialled", () => {
  it("with a made-up `gr` is asked about like any other address", async () => {
    const { alice, asked } = await calls("sip:+1900555@example.com;gr=x", () => ({ action: "reject", status: 403 }));
    expect([alice.state, asked.map(({ dialled }) => dialled)]).toEqual(["ended 403", ["+1900555"]]);
  });

  it("is not asked about if it is the GRUU of a user", async () => {
    const { alice, asked } = await calls("sip:bob@example.com;gr=x", () => ({ action: "reject", status: 403 }));
    expect([alice.state, asked]).toEqual(["ended 480", []]);
  });

  it.each([
    ["sip%3Acarol%40example.com", "sip%3Acarol%40example.com"],
    ["tel%3a+1900", "tel%3A+1900"],
    ["a%20%22%3c%3E%0d%0a", "a%20%22%3C%3E%0D%0A"],
    ["j%c3%bcrgen%25", "j%C3%BCrgen%25"],
  ])("is no URI in a decision that echoes it, and is always valid there: %s", async (user, dialled) => {
    const { alice, asked, carol, world } = await calls(`sip:${user}@example.com`, echo);
    expect(asked.map((call) => call.dialled)).toEqual([dialled]);
    expect([alice.state, carol.state]).toEqual(["ended 404", "idle"]);
    const routed = world.callRecords()[0]?.timeline.find(({ event }) => event === "routed");
    expect(routed).toMatchObject({ action: "ring" });
    expect(routed?.why).toBeUndefined();
  });

  it("is escaped, also in a telephone number", async () => {
    const { asked } = await calls("tel:*21#", () => ({ action: "reject", status: 403 }));
    expect(asked.map(({ dialled }) => dialled)).toEqual(["*21%23"]);
  });

  it.each(["+1900%FF", "+1900%2541"])("is refused before the router is asked if it is no name that can be decoded: %s", async (user) => {
    const { alice, asked } = await calls(`sip:${user}@example.com`, echo);
    expect([alice.state, asked]).toEqual(["ended 404", []]);
  });

  it("is refused before the router is asked if it is too long for a decision", async () => {
    const { alice, asked } = await calls(`sip:${"1".repeat(129)}@example.com`, echo);
    expect([alice.state, asked]).toEqual(["ended 484", []]);
    scenario.world.end();
    const { alice: other, asked: once } = await calls(`sip:${"1".repeat(128)}@example.com`, echo);
    expect([other.state, once.length]).toEqual(["ended 404", 1]);
  });
});

describe("what a router throws", () => {
  const secret = `D1_ERROR at https://user:secret@db.internal ${"z".repeat(5000)}`;

  it("is not for the caller, and cut for the record and the log", async () => {
    const { alice, world } = await calls("sip:bob@example.com", () => Promise.reject(new Error(secret)), { more: { fallback: "reject" } });
    expect(header(alice.last(480), "warning")).toMatch(/the router of the domain has not decided"$/);
    const [record] = world.callRecords();
    expect(record?.why?.length).toBeLessThanOrEqual(260);
    expect(record?.timeline.find(({ event }) => event === "routed")?.why?.length).toBeLessThanOrEqual(201);
  });
});

describe("a call that cannot be routed", () => {
  it("is answered with 500 if the directory has what cannot be read", async () => {
    scenario = await startScenario();
    const { world, alice } = scenario;
    world.subscribe("erin", { rules: "{" });
    await world.router(() => ({ action: "continue" }));
    alice.invites("sip:erin@example.com");
    await world.settle();
    expect(alice.state).toBe("ended 500");
    expect(header(alice.last(500), "warning")).toMatch(/the call cannot be routed now"$/);
  });

  it("is answered with 482 if it comes back unchanged", async () => {
    scenario = await startScenario();
    const { world, alice, bob } = scenario;
    await world.router(() => ({ action: "continue" }));
    const mark = loopMark("sip:bob@example.com", [], "looped", "1 tlooped");
    const branch = `z9hG4bK${homeHint(keyring, routingHomeOf("looped"))}.context.0.${mark}`;
    callWith(alice, "sip:bob@example.com", "looped", [`Via: SIP/2.0/WSS x.invalid;branch=${branch}`]);
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["ended 482", "idle"]);
  });
});

describe("the targets of a router", () => {
  const two = (after?: number) => () => ({ action: "ring", targets: [{ to: "carol" }, { to: "bob", after }] });

  it("do not ring after the answer, also if the caller wants no other phone cancelled (RFC 3841 §9.1)", async () => {
    const { alice, bob, carol, world } = await calls("sip:bob@example.com", two(5), { lines: ["Request-Disposition: no-cancel"] });
    carol.answers();
    await world.pass(7);
    expect([alice.state, bob.state, carol.state]).toEqual(["talking", "idle", "talking"]);
  });

  it("ring one after another if the request may not fork (RFC 5393 §5.3.3)", async () => {
    const { alice, bob, carol, world } = await calls("sip:bob@example.com", two(), { lines: ["Max-Breadth: 1"] });
    expect([bob.state, carol.state, header(carol.last("INVITE"), "max-breadth")]).toEqual(["idle", "ringing", "1"]);
    carol.rejects(486);
    await world.settle();
    expect([alice.state, bob.state, carol.state]).toEqual(["hears ringing", "ringing", "ended 486"]);
  });

  it("may be the caller's second phone, although one call is the most that the user may have", async () => {
    scenario = await startScenario({ rules: { alice: { maximumCalls: 1 } } });
    const { alice, world } = scenario;
    const second = await scenario.joins("alice");
    await world.router(() => ({ action: "continue" }));
    alice.invites("sip:alice@example.com");
    await world.settle();
    expect([alice.state, second.state]).toEqual(["hears ringing", "ringing"]);
  });
});

/** A Call-ID whose calls are kept where those of another one are, which only who has the key can find. */
function sameHome(callId: string, number: number): string {
  for (let at = 0; ; at += 1) {
    const id = `same-${number}-${at}`;
    if (routingHomeOf(id) === routingHomeOf(callId)) return id;
  }
}

const pad = Array.from({ length: 20 }, (_, index) => `X-Pad-${index}: ${"x".repeat(10_000)}`);

/** A call with this Call-ID. */
function callWith(phone: SimulatedPhone, uri: string, callId: string, lines: readonly string[] = []) {
  const invite = phone.sends(
    "INVITE",
    uri,
    [
      ...[`From: <${phone.aor}>;tag=t${callId}`, `To: <${uri}>`, `Call-ID: ${callId}`, "CSeq: 1 INVITE", `Contact: ${phone.contact}`],
      ...["Content-Type: application/sdp", ...lines],
    ],
    "v=0\r\n",
  );
  const call = { id: callId, isOurs: true, invite, heard: undefined, state: "calling", dialog: undefined, response: undefined };
  phone.calls.push({ ...call, isAcknowledged: false } as unknown as SimulatedPhone["call"]);
}

describe("a routing home", () => {
  it("has room for a call though calls to other users ring that are kept there too", async () => {
    scenario = await startScenario();
    const { world, alice, bob } = scenario;
    await world.router(() => ({ action: "continue" }));
    for (let user = 0; user < 10; user += 1) {
      world.subscribe(`evil${user}`);
      const phone = await scenario.joins(`evil${user}`);
      await scenario.joins(`evil${user}`, { instance: `urn:uuid:other${user}` });
      for (let n = 0; n < 5; n += 1) callWith(phone, `sip:evil${user}@example.com`, sameHome("x", 10 * user + n), pad);
      await world.settle();
    }
    callWith(alice, "sip:bob@example.com", sameHome("x", 1000), pad);
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("keeps a call until it has its record, and refuses others when it is full", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const [carol, dave] = [await scenario.joins("carol"), await scenario.joins("dave")];
    await world.router(() => ({ action: "continue" }));
    callWith(alice, "sip:bob@example.com", sameHome("x", 0));
    await world.settle();
    bob.answers();
    await world.settle();
    for (let n = 1; n < 95; n += 1) {
      callWith(carol, "sip:dave@example.com", sameHome("x", n), pad);
      await world.settle();
      if (dave.state === "ringing") dave.answers();
      await world.settle();
    }
    expect(carol.state).toBe("ended 480");
    alice.hangsUp();
    await world.settle();
    await world.pass(5);
    expect(world.callRecords().filter(({ caller }) => caller.startsWith("alice"))).toHaveLength(1);
    expect(world.faults).toEqual([]);
  });

  it("asks the callers of ringing calls at most once in a minute whether they still wait", async () => {
    scenario = await startScenario();
    const { world, alice } = scenario;
    const inquiries = countInquiries(world);
    const carol = await scenario.joins("carol");
    await world.router(() => ({ action: "continue" }));
    for (let n = 0; n < 10; n += 1) callWith(alice, "sip:bob@example.com", sameHome("x", n));
    await world.settle();
    for (let n = 100; n < 110; n += 1) {
      callWith(carol, "sip:dave@example.com", sameHome("x", n));
      await world.pass(4);
    }
    expect(inquiries.count).toBeLessThanOrEqual(20);
  });
});

/** Counts the inquiries that routing homes send. */
function countInquiries(world: Scenario["world"]): { count: number } {
  const inquiries = { count: 0 };
  const original = world.environment.bind(world);
  world.environment = (caller) => {
    const environment = original(caller);
    if (caller?.name.includes("#router") !== true) return environment;
    const { ADDRESS_OF_RECORD: homes } = environment;
    const getByName = (name: string) => {
      const home = homes.getByName(name);
      const deliver: typeof home.deliver = (envelopes) => {
        inquiries.count += envelopes.filter(({ kind }) => kind === "inquiry").length;
        return home.deliver(envelopes);
      };
      return { ...home, deliver };
    };
    return { ...environment, ADDRESS_OF_RECORD: { getByName } } as unknown as typeof environment;
  };
  return inquiries;
}
