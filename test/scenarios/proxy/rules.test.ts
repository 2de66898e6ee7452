import { afterEach, describe, expect, it } from "vitest";
import { headers } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** alice calls bob, who has these rules; carol's phone is registered. */
async function calls(rules: unknown, { isBobHere = true } = {}) {
  scenario = await startScenario({ rules: { bob: rules }, ...(isBobHere ? {} : { absent: ["bob"] }) });
  const carol = await scenario.joins("carol");
  scenario.alice.invites("sip:bob@example.com");
  await scenario.world.settle();
  return { ...scenario, carol };
}

const toCarol = "sip:carol@example.com";

describe("a user's rules send calls on", () => {
  it("always: the other's phone rings, his own does not", async () => {
    const { alice, bob, carol } = await calls({ forward: { always: toCarol } });
    expect([alice.state, bob.state, carol.state]).toEqual(["hears ringing", "idle", "ringing"]);
    expect(carol.last("INVITE").requestUri).toContain(`sip:carol@${carol.host}`);
  });

  it("always, also of a user who has never registered", async () => {
    const { alice, carol } = await calls({ forward: { always: toCarol } }, { isBobHere: false });
    expect([alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("when busy", async () => {
    const { alice, bob, carol, world } = await calls({ forward: { busy: toCarol } });
    bob.rejects(486);
    await world.settle();
    expect([alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("when busy, not when declined", async () => {
    const { alice, bob, carol, world } = await calls({ forward: { busy: toCarol } });
    bob.rejects(603);
    await world.settle();
    expect([alice.state, carol.state]).toEqual(["ended 603", "idle"]);
  });

  it("when not answered after so many seconds: his own phone stops ringing", async () => {
    const { alice, bob, carol, world } = await calls({ forward: { noAnswer: { to: toCarol, after: 15 } } });
    await world.pass(14);
    expect([bob.state, carol.state]).toEqual(["ringing", "idle"]);
    await world.pass(2);
    expect([alice.state, bob.state, carol.state]).toEqual(["hears ringing", "ended 487", "ringing"]);
  });

  it("when not answered, also after the loss of all memory", async () => {
    const { alice, carol, world } = await calls({ forward: { noAnswer: { to: toCarol, after: 15 } } });
    world.lose("kill");
    await world.settle();
    await world.pass(16);
    carol.answers();
    await world.settle();
    expect([alice.state, carol.state]).toEqual(["talking", "talking"]);
  });

  it("when not registered, never", async () => {
    const { alice, carol } = await calls({ forward: { notRegistered: toCarol } }, { isBobHere: false });
    expect([alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
  });

  it("when not registered any more, at the end of the grace", async () => {
    scenario = await startScenario({ rules: { bob: { forward: { notRegistered: toCarol } } } });
    const { alice, bob, world, joins } = scenario;
    const carol = await joins("carol");
    bob.leaves();
    await world.settle();
    alice.invites(bob.aor);
    await world.settle();
    expect(carol.state).toBe("idle");
    await world.pass(31);
    expect([alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
  });
});

describe("a call that was sent on", () => {
  it("is a call between caller and third: either hangs up, without the second's home", async () => {
    const { alice, carol, world } = await calls({ forward: { always: toCarol } });
    carol.answers();
    await world.settle();
    world.homeOf("bob").abort();
    carol.hangsUp();
    await world.settle();
    expect([alice.state, carol.state]).toEqual(["ended by bye", "ended by bye"]);
  });

  it("is cancelled", async () => {
    const { alice, carol, world } = await calls({ forward: { always: toCarol } });
    alice.cancels();
    await world.settle();
    expect([alice.state, carol.state]).toEqual(["ended 487", "ended 487"]);
  });

  it("is refused: the refusal goes up", async () => {
    const { alice, carol, world } = await calls({ forward: { always: toCarol } });
    carol.rejects(486);
    await world.settle();
    expect(alice.state).toBe("ended 486");
  });

  it.each(["kill", "abort", "cut"] as const)("rings on after the loss: %s", async (loss) => {
    const { alice, carol, world } = await calls({ forward: { always: toCarol } });
    world.lose(loss, world.homeOf("bob"));
    await world.settle();
    carol.answers();
    await world.settle();
    expect([alice.state, carol.state]).toEqual(["talking", "talking"]);
  });

  it("counts as a hop: Max-Forwards is one less (RFC 3261 §16.6 step 3)", async () => {
    const { carol } = await calls({ forward: { always: toCarol } });
    expect(headers(carol.last("INVITE"), "max-forwards")).toEqual(["68"]);
  });

  it("shows one Via of ours, and one Record-Route", async () => {
    const { carol } = await calls({ forward: { always: toCarol } });
    const invite = carol.last("INVITE");
    expect([headers(invite, "via").length, headers(invite, "record-route").length]).toEqual([2, 1]);
  });

  it("to nobody: 404", async () => {
    const { alice } = await calls({ forward: { always: "sip:nobody@example.com" } });
    expect(alice.state).toBe("ended 404");
  });

  it("to another domain: 403, since nobody may relay by us", async () => {
    const { alice } = await calls({ forward: { always: "sip:bob@elsewhere.example" } });
    expect(alice.state).toBe("ended 403");
  });

  it("to oneself is a loop: 482 (RFC 3261 §16.3 step 4)", async () => {
    const { alice } = await calls({ forward: { always: "sip:bob@example.com" } });
    expect(alice.state).toBe("ended 482");
  });

  it("round and round ends: two users who send calls to each other", async () => {
    scenario = await startScenario({
      rules: { bob: { forward: { always: toCarol } }, carol: { forward: { always: "sip:bob@example.com" } } },
    });
    scenario.alice.invites("sip:bob@example.com");
    await scenario.world.settle();
    expect(scenario.alice.state).toBe("ended 482");
  });
});

describe("a user's rules refuse calls", () => {
  it("do not disturb: 486", async () => {
    const { alice, bob } = await calls({ doNotDisturb: true });
    expect([alice.state, bob.state]).toEqual(["ended 486", "idle"]);
  });

  it("do not disturb, with somebody for calls that find him busy", async () => {
    const { bob, carol } = await calls({ doNotDisturb: true, forward: { busy: toCarol } });
    expect([bob.state, carol.state]).toEqual(["idle", "ringing"]);
  });

  it("so many calls at once: the next is told that he is busy", async () => {
    const { alice, bob, world, joins } = await calls({ maximumCalls: 1 });
    bob.answers();
    await world.settle();
    const dave = await joins("dave");
    dave.invites(bob.aor);
    await world.settle();
    expect(dave.state).toBe("ended 486");
    alice.hangsUp();
    await world.settle();
    dave.invites(bob.aor);
    await world.settle();
    expect(dave.state).toBe("hears ringing");
  });

  it("so many calls at once: he cannot place another either", async () => {
    const { alice, bob, carol, world } = await calls({ maximumCalls: 1 });
    bob.answers();
    await world.settle();
    bob.invites(carol.aor);
    await world.settle();
    expect([bob.state, alice.state]).toEqual(["ended 403", "talking"]);
  });

  it("so many calls at once, counted also after the memory is gone", async () => {
    const { bob, world, joins } = await calls({ maximumCalls: 1 });
    bob.answers();
    await world.settle();
    world.lose("evict");
    const dave = await joins("dave");
    dave.invites(bob.aor);
    await world.settle();
    expect(dave.state).toBe("ended 486");
  });
});
