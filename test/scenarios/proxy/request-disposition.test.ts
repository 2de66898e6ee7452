import { afterEach, describe, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice calls bob, who has a second phone, with these header lines. */
async function calls(lines: readonly string[], features: { readonly first?: string; readonly second?: string } = {}) {
  scenario = await startScenario({ bob: { parameters: features.first ?? "" } });
  const second = await scenario.joins("bob", { parameters: features.second ?? "" });
  scenario.alice.invites(scenario.bob.aor, lines);
  await scenario.world.settle();
  return { ...scenario, second };
}

describe("Request-Disposition (RFC 3841 §9.1)", () => {
  it("no-fork: one phone rings only", async () => {
    const { bob, second } = await calls(["Request-Disposition: no-fork"]);
    expect([bob.state, second.state].sort()).toEqual(["idle", "ringing"]);
  });

  it("no-fork: a phone that comes later does not ring either", async () => {
    const { joins } = await calls(["Request-Disposition: no-fork"]);
    expect((await joins("bob")).state).toBe("idle");
  });

  it("sequential: one phone after the other rings", async () => {
    const { bob, second, world } = await calls(["d: sequential"]);
    const [first, next] = bob.state === "ringing" ? [bob, second] : [second, bob];
    expect(next.state).toBe("idle");
    first.rejects(486);
    await world.settle();
    expect(next.state).toBe("ringing");
  });

  it("no-cancel: when one has answered the other goes on ringing", async () => {
    const { alice, bob, second, world } = await calls(["Request-Disposition: no-cancel"]);
    bob.answers();
    await world.settle();
    expect([alice.state, second.state]).toEqual(["talking", "ringing"]);
  });

  it("redirect: the caller is told the phones' GRUUs, and nobody rings", async () => {
    const { alice, bob, second } = await calls(["Request-Disposition: redirect"]);
    expect([alice.state, bob.state, second.state]).toEqual(["ended 300", "idle", "idle"]);
    const contacts = headers(alice.last(300), "contact").join();
    for (const desk of [bob, second]) expect(contacts).toContain(`<sip:bob@example.com;gr=${desk.instance}>`);
  });

  it("what is not known is ignored", async () => {
    const { bob, second } = await calls(["Request-Disposition: queue, frobnicate"]);
    expect([bob.state, second.state]).toEqual(["ringing", "ringing"]);
  });
});

describe("caller preferences (RFC 3841 §7.2)", () => {
  const video = ';audio;video;methods="INVITE,ACK,BYE,CANCEL"';
  const audio = ';audio;methods="INVITE,ACK,BYE,CANCEL"';

  it("Accept-Contact: the phone that fits better rings first", async () => {
    const { bob, second } = await calls(["Accept-Contact: *;audio;video"], { first: audio, second: video });
    expect([bob.state, second.state]).toEqual(["idle", "ringing"]);
  });

  it("Accept-Contact with require and explicit: the others do not ring at all", async () => {
    const { bob, second, world } = await calls(["Accept-Contact: *;video;require;explicit"], { first: audio, second: video });
    second.rejects(486);
    await world.settle();
    expect([bob.state, second.state]).toEqual(["idle", "ended 486"]);
  });

  it("Accept-Contact that nobody fulfils: 480", async () => {
    const { alice } = await calls(["Accept-Contact: *;automata;require;explicit"], { first: audio, second: video });
    expect(alice.state).toBe("ended 480");
  });

  it("Reject-Contact: a phone that says it is so does not ring", async () => {
    const { bob, second } = await calls(["Reject-Contact: *;video"], { first: audio, second: video });
    expect([bob.state, second.state]).toEqual(["ringing", "idle"]);
  });

  it("without any: a phone that says it knows no INVITE does not ring (§7.2.2)", async () => {
    const { bob, second } = await calls([], { first: ';methods="MESSAGE"', second: audio });
    expect([bob.state, second.state]).toEqual(["idle", "ringing"]);
  });

  it("q counts before preferences", async () => {
    const { bob, second } = await calls(["Accept-Contact: *;video"], { first: `;q=1.0${audio}`, second: `;q=0.5${video}` });
    expect([bob.state, second.state]).toEqual(["ringing", "idle"]);
  });
});

describe("Max-Breadth (RFC 5393 §5.3)", () => {
  it("of one: the phones ring one after another", async () => {
    const { bob, second } = await calls(["Max-Breadth: 1"]);
    expect([bob.state, second.state].sort()).toEqual(["idle", "ringing"]);
  });

  it("of none: 440", async () => {
    const { alice } = await calls(["Max-Breadth: 0"]);
    expect(alice.state).toBe("ended 440");
  });

  it("that is no number: 400", async () => {
    const { alice } = await calls(["Max-Breadth: wide"]);
    expect(alice.state).toBe("ended 400");
  });
});

describe("a block list", () => {
  async function blocked(list: readonly string[], lines: readonly string[] = []) {
    scenario = await startScenario({ rules: { bob: { blocked: list } } });
    scenario.alice.invites(scenario.bob.aor, lines);
    await scenario.world.settle();
    return scenario;
  }

  it.each([
    ["a user", ["alice@example.com"], [], 603],
    ["a domain", ["*@example.com"], [], 603],
    ["the anonymous (RFC 5079)", ["anonymous"], ["Privacy: user"], 433],
  ] as const)("refuses %s", async (_name, list, lines, status) => {
    const { alice, bob } = await blocked(list, lines);
    expect([alice.state, bob.state]).toEqual([`ended ${status}`, "idle"]);
  });

  it("lets the others through", async () => {
    const { bob } = await blocked(["mallory@example.com", "*@elsewhere.example", "anonymous"]);
    expect(bob.state).toBe("ringing");
  });

  it("holds for messages too", async () => {
    scenario = await startScenario({ rules: { bob: { blocked: ["alice@example.com"] } } });
    const sent = scenario.alice.asks("MESSAGE", scenario.bob.aor, ["Content-Type: text/plain"], "psst");
    await scenario.world.settle();
    expect([sent.final, scenario.bob.all("MESSAGE").length]).toEqual([603, 0]);
  });
});

describe("session timers (RFC 4028 §8)", () => {
  async function timed(lines: readonly string[], settings: Readonly<Record<string, string>>) {
    scenario = await startScenario({ settings });
    scenario.alice.invites(scenario.bob.aor, lines);
    await scenario.world.settle();
    return scenario;
  }

  it("an interval that is too short draws 422 with our Min-SE", async () => {
    const { alice } = await timed(["Session-Expires: 90", "Supported: timer"], { MINIMUM_SESSION_EXPIRES: "120" });
    expect([alice.state, header(alice.last(422), "min-se")]).toEqual(["ended 422", "120"]);
  });

  it("is raised for a caller who does not know the extension", async () => {
    const { bob } = await timed(["Session-Expires: 90"], { MINIMUM_SESSION_EXPIRES: "120" });
    const invite = bob.last("INVITE");
    expect([headers(invite, "session-expires"), headers(invite, "min-se")]).toEqual([["120"], ["120"]]);
  });

  it("one is asked for where the caller asks for none, never below his Min-SE", async () => {
    const { bob } = await timed(["Min-SE: 2000"], { SESSION_EXPIRES: "1800" });
    expect(headers(bob.last("INVITE"), "session-expires")).toEqual(["2000"]);
  });

  it("a callee who does not know it leaves the refreshes to a caller who does (§8.2)", async () => {
    const { alice, bob, world } = await timed(["Supported: timer"], { SESSION_EXPIRES: "1800" });
    bob.answers();
    await world.settle();
    const answer = alice.last(200, "INVITE");
    expect([header(answer, "session-expires"), header(answer, "require")]).toEqual(["1800;refresher=uac", "timer"]);
  });

  it("without a policy nothing is touched", async () => {
    const { bob } = await timed(["Session-Expires: 90", "Supported: timer"], {});
    expect(headers(bob.last("INVITE"), "session-expires")).toEqual(["90"]);
  });
});

describe("History-Info and Diversion of a call that is sent on", () => {
  async function sentOn(rules: unknown, lines: readonly string[] = []) {
    scenario = await startScenario({ rules: { bob: rules } });
    const carol = await scenario.joins("carol");
    scenario.alice.invites(scenario.bob.aor, lines);
    await scenario.world.settle();
    return { ...scenario, carol };
  }
  const toCarol = "sip:carol@example.com";

  it("always: who was called first, and why (RFC 5806 §4)", async () => {
    const { carol } = await sentOn({ forward: { always: toCarol } });
    expect(headers(carol.last("INVITE"), "diversion")).toEqual(["<sip:bob@example.com>;reason=unconditional;counter=1"]);
  });

  it("always: the old target and the new one, mapped from it (RFC 7044 §10.3)", async () => {
    const { carol } = await sentOn({ forward: { always: toCarol } });
    expect(headers(carol.last("INVITE"), "history-info")).toEqual([
      "<sip:bob@example.com>;index=1",
      "<sip:carol@example.com>;index=1.1;mp=1",
    ]);
  });

  it("when busy: the status is in the old target's entry (RFC 7044 §10.2)", async () => {
    const { bob, carol, world } = await sentOn({ forward: { busy: toCarol } });
    bob.rejects(486);
    await world.settle();
    expect(headers(carol.last("INVITE"), "history-info")[0]).toBe("<sip:bob@example.com?Reason=SIP%3Bcause%3D486>;index=1");
    expect(header(carol.last("INVITE"), "diversion")).toContain("reason=user-busy");
  });

  it("a history that is there is gone on with", async () => {
    const { carol } = await sentOn({ forward: { always: toCarol } }, [
      "History-Info: <sip:x@example.com>;index=1, <sip:bob@example.com>;index=1.1",
    ]);
    expect(headers(carol.last("INVITE"), "history-info").join(", ")).toContain("<sip:carol@example.com>;index=1.1.1;mp=1.1");
  });
});

describe("recursion on a 3xx (RFC 3261 §16.7 step 4)", () => {
  async function redirected(setting: string, contacts: string, lines: readonly string[] = []) {
    scenario = await startScenario({ settings: { RECURSE_ON_REDIRECT: setting } });
    const carol = await scenario.joins("carol");
    scenario.alice.invites(scenario.bob.aor, lines);
    await scenario.world.settle();
    scenario.bob.rejects(302, [`Contact: ${contacts}`]);
    await scenario.world.settle();
    return { ...scenario, carol };
  }

  it("is off by default: the caller gets the 302", async () => {
    const { alice, carol } = await redirected("", "<sip:carol@example.com>");
    expect([alice.state, carol.state]).toEqual(["ended 302", "idle"]);
  });

  it("calls the Contacts in its place", async () => {
    const { alice, carol, world } = await redirected("true", "<sip:carol@example.com>");
    expect([alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
    carol.answers();
    await world.settle();
    expect(alice.state).toBe("talking");
  });

  it("not if the caller would rather not", async () => {
    const { alice } = await redirected("true", "<sip:carol@example.com>", ["Request-Disposition: no-recurse"]);
    expect(alice.state).toBe("ended 302");
  });

  it("does not go round: a Contact that leads back ends", async () => {
    const { alice } = await redirected("true", "<sip:bob@example.com>");
    expect(alice.state).toBe("ended 482");
  });

  it("to another domain ends: 403", async () => {
    const { alice } = await redirected("true", "<sip:carol@elsewhere.example>");
    expect(alice.state).toBe("ended 403");
  });
});
