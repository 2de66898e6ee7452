import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice has called bob, whose phone names two others in its 302. */
async function deflected(lines: readonly string[]) {
  scenario = await startScenario({ settings: { RECURSE_ON_REDIRECT: "true" } });
  const { alice, bob, world } = scenario;
  const others = [await scenario.joins("carol"), await scenario.joins("dave")];
  alice.invites(bob.aor, lines);
  await world.settle();
  bob.rejects(302, ["Contact: <sip:carol@example.com>, <sip:dave@example.com>"]);
  await world.settle();
  return others.filter(({ state }) => state === "ringing").length;
}

describe("recursion on 3xx", () => {
  it("tries each address", async () => {
    expect(await deflected([])).toBe(2);
  });

  it.each([
    [{}, 1],
    [{ targets: ["dave@example.com"] }, 1],
    [{ targets: ["carol@example.com"] }, 0],
    [{ scope: ["register"] }, 0],
    [{ maximumCalls: 5 }, 0],
    [{ maximumSeconds: 60 }, 0],
  ] as const)("calls nothing that the token of the phone does not allow its user to call: %j", async (limits, calls) => {
    scenario = await startScenario({ settings: { RECURSE_ON_REDIRECT: "true" }, absent: ["bob"] });
    const { alice, bob, world } = scenario;
    const dave = await scenario.joins("dave");
    world.signsInByToken("bob", limits);
    await bob.comesOnline();
    alice.invites(bob.aor);
    await world.settle();
    bob.rejects(302, ["Contact: <sip:dave@example.com>"]);
    await world.settle();
    expect([dave.all("INVITE").length, alice.state]).toEqual([calls, calls === 1 ? "hears ringing" : "ended 302"]);
  });

  it("has no more branches at a time than Max-Breadth allows (RFC 5393 §5.3.3)", async () => {
    expect(await deflected(["Max-Breadth: 1"])).toBe(1);
  });

  it.each([
    ["sip:+19005551234@example.com", "ended 603"],
    ["tel:+1-900-5551234", "ended 603"],
    ["sip:dave@example.com", "ended 603"],
    ["sip:+4930123@example.com", "hears ringing"],
    ["sip:+4420@example.com", "ended 403"],
  ])("calls the Contact by the routes of the domain, as if the user called there: %s", async (contact, state) => {
    scenario = await startScenario({ settings: { RECURSE_ON_REDIRECT: "true" } });
    const { alice, bob, world } = scenario;
    await scenario.joins("carol");
    const reject = { kind: "reject", status: 603 };
    world.route("no-premium", { order: 1, match: { user: { prefix: "+1900" }, caller: { prefix: "bob@" } }, action: reject });
    world.route("no-dave", { order: 1, match: { user: { prefix: "dave" } }, action: reject });
    world.route("office", { order: 2, match: { user: { prefix: "+4930" } }, action: { kind: "local", user: "carol" } });
    world.route("away", { order: 3, match: { user: { prefix: "+44" } }, action: { kind: "retarget", uri: "sip:\\1@gw.example" } });
    alice.invites(bob.aor);
    await world.settle();
    bob.rejects(302, [`Contact: <${contact}>`]);
    await world.settle();
    expect(alice.state).toBe(state);
  });
});
