import { afterEach, describe, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Bob's two phones answer alice's call with these statuses, in this order. */
async function answered(first: number, second: number, lines: readonly (readonly string[])[] = []): Promise<Scenario> {
  scenario = await startScenario();
  const other = await scenario.joins("bob");
  scenario.alice.invites(scenario.bob.aor);
  await scenario.world.settle();
  scenario.bob.rejects(first, lines[0] ?? []);
  other.rejects(second, lines[1] ?? []);
  await scenario.world.settle();
  return scenario;
}

describe("the best response goes up (RFC 3261 §16.7 step 6)", () => {
  it.each([
    [486, 404, 486, "of the 4xx, 486 says more than 404"],
    [404, 486, 486, "in whichever order they come"],
    [486, 500, 486, "4xx before 5xx"],
    [302, 486, 302, "3xx before 4xx"],
    [486, 603, 603, "6xx before all"],
    [480, 486, 486, "480 says little"],
    [404, 480, 480, "404 says less"],
    [415, 486, 415, "415 tells how to send it again"],
    [420, 404, 420, "420 too"],
    [484, 404, 484, "484 too"],
    [500, 503, 500, "503 is the last of the 5xx"],
    [486, 488, 486, "of equals the first"],
  ])("%i and %i make %i: %s", async (first, second, best) => {
    const { alice } = await answered(first, second);
    expect(alice.state).toBe(`ended ${best}`);
  });

  it("503 alone goes up as 500: it would say that this whole proxy is out of service", async () => {
    const { alice } = await answered(503, 503);
    expect(alice.state).toBe("ended 500");
  });

  it("challenges are gathered from all 401 and 407 (§16.7 step 7)", async () => {
    const challenge = (realm: string) => [`WWW-Authenticate: Digest realm="${realm}", nonce="n"`];
    const { alice } = await answered(401, 401, [challenge("one"), challenge("two")]);
    expect(
      headers(alice.last(401), "www-authenticate")
        .map((value) => /realm="(\w+)"/.exec(value)?.[1])
        .sort(),
    ).toEqual(["one", "two"]);
  });

  it("challenges are gathered from proxies too", async () => {
    const { alice } = await answered(407, 401, [
      ['Proxy-Authenticate: Digest realm="p", nonce="n"'],
      ['WWW-Authenticate: Digest realm="u", nonce="n"'],
    ]);
    const refusal = alice.heard.findLast(({ status }) => status >= 400);
    expect([
      headers(refusal ?? alice.last(401), "www-authenticate").length,
      headers(refusal ?? alice.last(401), "proxy-authenticate").length,
    ]).toEqual([1, 1]);
  });
});

describe("provisional responses", () => {
  async function ringing() {
    scenario = await startScenario({ bob: { isManual: true } });
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    return scenario;
  }

  it.each([180, 181, 182, 183, 199])("%i goes up as it is (§16.7 step 5; 199 by RFC 6228)", async (status) => {
    const { alice, bob, world } = await ringing();
    bob.replies(bob.last("INVITE"), status);
    await world.settle();
    expect(alice.all(status)).toHaveLength(1);
  });

  it("100 does not go up (§16.7 step 5)", async () => {
    const { alice, bob, world } = await ringing();
    const before = alice.all(100).length;
    bob.replies(bob.last("INVITE"), 100);
    await world.settle();
    expect(alice.all(100)).toHaveLength(before);
  });

  it("reliable ones keep RSeq and Require (RFC 3262)", async () => {
    const { alice, bob, world } = await ringing();
    bob.replies(bob.last("INVITE"), 183, ["Require: 100rel", "RSeq: 7"]);
    await world.settle();
    expect([header(alice.last(183), "rseq"), header(alice.last(183), "require")]).toEqual(["7", "100rel"]);
  });

  it("do not go up once a final response has gone", async () => {
    const { alice, bob, world, joins } = await ringing();
    const second = await joins("bob");
    second.answers();
    await world.settle();
    const before = alice.all(183).length;
    bob.replies(bob.last("INVITE"), 183);
    await world.settle();
    expect([alice.state, alice.all(183).length]).toEqual(["talking", before]);
  });

  it("have one Via, the caller's own (§16.7 step 3)", async () => {
    const { alice, bob, world } = await ringing();
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    expect(headers(alice.last(180), "via")).toHaveLength(1);
  });
});

describe("responses that fit nothing", () => {
  it("to a transaction that never was are dropped (§16.7 step 1: no stateless forwarding of strangers)", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    const before = alice.heard.length;
    const invite = bob.last("INVITE");
    const forged = {
      ...invite,
      headers: invite.headers.map(
        ([name, value]) => [name, name === "via" ? value.replace(/branch=z9hG4bK.{8}/, "branch=z9hG4bKxxxxxxxx") : value] as const,
      ),
    };
    bob.replies(forged, 200);
    await world.settle();
    expect(alice.heard).toHaveLength(before);
  });

  it("a second final response of a phone is dropped", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    bob.rejects(486);
    bob.rejects(404);
    await world.settle();
    expect([alice.state, alice.all(404).length]).toEqual(["ended 486", 0]);
  });
});

describe("anything but INVITE (RFC 4320)", () => {
  it("that nobody answers gets no 408 (§4.2)", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const options = scenario.alice.asks("OPTIONS", scenario.bob.aor);
    await scenario.world.pass(60);
    expect(options.final).toBe(0);
  });

  it("to several phones that nobody answers gets no 408 either", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    await scenario.joins("bob", { isManual: true });
    const options = scenario.alice.asks("OPTIONS", scenario.bob.aor);
    await scenario.world.pass(60);
    expect(options.final).toBe(0);
  });

  it("gets no 100 (RFC 3261 §17.2.2 would be late: RFC 4320 §4.1)", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    scenario.alice.asks("OPTIONS", scenario.bob.aor);
    await scenario.world.settle();
    expect(scenario.alice.all(100)).toHaveLength(0);
  });

  it("to several phones: the first 2xx goes up at once", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    await scenario.joins("bob");
    const options = scenario.alice.asks("OPTIONS", scenario.bob.aor);
    await scenario.world.settle();
    expect(options.final).toBe(200);
  });

  it("to several phones: the best of the refusals, when all have refused", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const second = await scenario.joins("bob", { isManual: true });
    const options = scenario.alice.asks("OPTIONS", scenario.bob.aor);
    await scenario.world.settle();
    scenario.bob.replies(scenario.bob.last("OPTIONS"), 404);
    await scenario.world.settle();
    expect(options.final).toBe(0);
    second.replies(second.last("OPTIONS"), 486);
    await scenario.world.settle();
    expect(options.final).toBe(486);
  });
});

describe("what a phone says of itself in a response", () => {
  it.each([180, 200, 486])("asserts nobody's identity: %i", async (status) => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    const names = ["P-Asserted-Identity", "Remote-Party-ID", "Diversion", "P-Called-Party-ID"];
    const lines = [...names.map((name) => `${name}: <sip:ceo@example.com>`), `Contact: ${bob.contact}`, "Subject: hello"];
    bob.replies(bob.last("INVITE"), status, lines);
    await world.settle();
    const heard = alice.last(status, "INVITE");
    expect(header(heard, "subject")).toBe("hello");
    for (const name of names) expect([name, header(heard, name)]).toEqual([name, undefined]);
  });
});
