import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
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
    expect(bob.all("BYE").length).toBe(2);
    expect(header(bob.last("BYE"), "reason")).toContain("the token of the caller");
  });

  it("is not ended once more when it is over", async () => {
    const { world, alice, bob } = await talking();
    bob.hangsUp();
    await world.settle();
    await world.pass(100);
    expect([alice.all("BYE").length, bob.all("BYE").length]).toEqual([1, 0]);
    alice.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    alice.hangsUp();
    await world.settle();
    await world.pass(100);
    expect([alice.all("BYE").length, bob.all("BYE").length, world.faults]).toEqual([1, 1, []]);
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
