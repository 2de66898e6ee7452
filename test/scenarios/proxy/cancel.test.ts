import { afterEach, describe, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function calls(options: ScenarioOptions = {}, lines: readonly string[] = []): Promise<Scenario> {
  scenario = await startScenario(options);
  scenario.alice.invites(scenario.bob.aor, lines);
  await scenario.world.settle();
  return scenario;
}

describe("CANCEL (RFC 3261 §9, §16.10)", () => {
  it("is answered with 200 by us, and the INVITE with 487", async () => {
    const { alice, world } = await calls();
    alice.cancels();
    await world.settle();
    expect([alice.all(200, "CANCEL").length, alice.all(487).length, alice.state]).toEqual([1, 1, "ended 487"]);
  });

  it("goes to the phone with the Via, Request-URI, From, To, Call-ID and CSeq number of its INVITE (§9.1)", async () => {
    const { alice, bob, world } = await calls();
    alice.cancels();
    await world.settle();
    const [invite, cancel] = [bob.last("INVITE"), bob.last("CANCEL")];
    expect(cancel.requestUri).toBe(invite.requestUri);
    expect(headers(cancel, "via")).toEqual(headers(invite, "via").slice(0, 1));
    for (const name of ["from", "to", "call-id"]) expect(header(cancel, name)).toBe(header(invite, name));
    expect(header(cancel, "cseq")).toBe("1 CANCEL");
  });

  it("goes to every phone that rings", async () => {
    scenario = await startScenario();
    const second = await scenario.joins("bob");
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    scenario.alice.cancels();
    await scenario.world.settle();
    expect([scenario.bob.state, second.state]).toEqual(["ended 487", "ended 487"]);
  });

  it("takes its Reason along (RFC 3326)", async () => {
    const { alice, bob, world } = await calls();
    alice.cancels(alice.call, ['Reason: SIP;cause=600;text="Busy Everywhere"']);
    await world.settle();
    expect(header(bob.last("CANCEL"), "reason")).toBe('SIP;cause=600;text="Busy Everywhere"');
  });

  it("waits for the first provisional response (§9.1)", async () => {
    const { alice, bob, world } = await calls({ bob: { isManual: true } });
    alice.cancels();
    await world.settle();
    expect(bob.all("CANCEL")).toHaveLength(0);
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    expect(bob.all("CANCEL")).toHaveLength(1);
  });

  it("waits for 100 too, which is a provisional response", async () => {
    const { alice, bob, world } = await calls({ bob: { isManual: true } });
    alice.cancels();
    await world.settle();
    bob.replies(bob.last("INVITE"), 100);
    await world.settle();
    expect(bob.all("CANCEL")).toHaveLength(1);
  });

  it("that meets a 200 on its way has no effect: the call is on (§9.1)", async () => {
    const { alice, bob, world } = await calls({ bob: { isManual: true } });
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    bob.answers();
    alice.cancels();
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["talking", "talking"]);
  });

  it("that comes after the 200 has no effect, and is answered with 200", async () => {
    const { alice, bob, world } = await calls();
    bob.answers();
    await world.settle();
    alice.cancels();
    await world.settle();
    expect([alice.state, bob.state, bob.all("CANCEL").length]).toEqual(["talking", "talking", 0]);
  });

  it("of what never was draws 481 (§9.2)", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const lines = [`From: <${alice.aor}>;tag=1`, `To: <${bob.aor}>`, "Call-ID: never", "CSeq: 1 CANCEL"];
    const cancel = alice.sends("CANCEL", bob.aor, lines);
    await world.settle();
    expect(cancel.final).toBe(481);
  });

  it("twice is answered twice, and the phone hears it once", async () => {
    const { alice, bob, world } = await calls();
    alice.cancels();
    alice.cancels();
    await world.settle();
    expect([alice.all(200, "CANCEL").length, bob.all("CANCEL").length]).toEqual([2, 1]);
  });

  it("leaves a phone that is silent to Timer F: 487 after 64*T1 (§9.1)", async () => {
    const { alice, bob, world } = await calls({ bob: { isManual: true } });
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    alice.cancels();
    await world.settle();
    expect(alice.state).toBe("hears ringing");
    await world.pass(33);
    expect(alice.state).toBe("ended 487");
  });

  it("that crosses the phone's own refusal: the refusal goes up", async () => {
    const { alice, bob, world } = await calls({ bob: { isManual: true } });
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    alice.cancels();
    await world.settle();
    bob.replies(bob.last("INVITE"), 486);
    await world.settle();
    expect(alice.state).toBe("ended 486");
  });

  it("before the phone is back from a lost socket: it is told when it comes", async () => {
    const { alice, bob, world } = await calls();
    bob.leaves();
    await world.settle();
    alice.cancels();
    await world.settle();
    expect(alice.state).toBe("ended 487");
    await bob.comesOnline();
    expect([bob.all("CANCEL").length, bob.state]).toEqual([1, "ended 487"]);
  });

  it("of a phone that comes for the first time after it: it never rings", async () => {
    const { alice, world, joins } = await calls();
    alice.cancels();
    await world.settle();
    expect((await joins("bob")).state).toBe("idle");
  });
});

describe("a phone that comes back from a power cut only after its ringing was ended", () => {
  const cut = async (): Promise<void> => {
    scenario.world.lose("kill");
    scenario.bob.leaves();
    await scenario.world.settle();
  };

  it("is told so when the caller has given up", async () => {
    const { alice, bob, world } = await calls();
    await cut();
    alice.cancels();
    await world.settle();
    expect(alice.state).toBe("ended 487");
    await bob.comesOnline();
    expect(bob.state).toBe("ended 487");
  });

  it("is told so when another phone has answered", async () => {
    scenario = await startScenario();
    const second = await scenario.joins("bob");
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    await cut();
    second.answers();
    await scenario.world.settle();
    await scenario.bob.comesOnline();
    expect([scenario.alice.state, second.state, scenario.bob.state]).toEqual(["talking", "talking", "ended 487"]);
  });

  it("is told so when the CANCEL went down with its socket", async () => {
    const { alice, bob, world } = await calls({ bob: { isManual: true } });
    bob.replies(bob.last("INVITE"), 180);
    await world.settle();
    alice.cancels();
    await world.settle();
    await cut();
    await bob.comesOnline();
    expect(bob.all("CANCEL").length).toBeGreaterThan(1);
  });
});

describe("one of several phones answers (RFC 3261 §16.7 step 10)", () => {
  async function two(options: ScenarioOptions = {}) {
    scenario = await startScenario(options);
    const second = await scenario.joins("bob", options.bob);
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    return { ...scenario, second };
  }

  it("the others stop, and are told why (RFC 3326)", async () => {
    const { bob, second, world } = await two();
    second.answers();
    await world.settle();
    expect(bob.state).toBe("ended 487");
    expect(header(bob.last("CANCEL"), "reason")).toBe('SIP;cause=200;text="Call completed elsewhere"');
  });

  it("two at once: both 200 go to the caller, who has two dialogs (§16.7 step 5)", async () => {
    const { alice, bob, second, world } = await two();
    bob.answers();
    second.answers();
    await world.settle();
    const tags = new Set(alice.all(200, "INVITE").map((one) => header(one, "to")));
    expect(tags.size).toBe(2);
  });

  it("a 6xx of one stops the others at once (§16.7 step 5)", async () => {
    const { alice, bob, second, world } = await two();
    bob.rejects(603);
    await world.settle();
    expect([alice.state, second.state]).toEqual(["ended 603", "ended 487"]);
  });

  it("a 4xx of one leaves the others ringing", async () => {
    const { alice, bob, second, world } = await two();
    bob.rejects(486);
    await world.settle();
    expect([alice.state, second.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("the ACK for each refusal is ours (§17.1.1.3)", async () => {
    const { bob, second, world } = await two();
    bob.rejects(486);
    second.rejects(404);
    await world.settle();
    expect([bob.all("ACK").length, second.all("ACK").length]).toEqual([1, 1]);
  });
});
