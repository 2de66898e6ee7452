import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
import type { CallView } from "../../../lib/location/call-view.ts";
import { type Scenario, startScenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const calls = (user: string): Promise<readonly CallView[]> => scenario.world.homeOf(user).handle((home) => home.calls());
const end = (user: string, id = ""): Promise<string> => scenario.world.homeOf(user).handle((home) => home.endCall(id));

describe("a call that an administrator ends", () => {
  it.each(["alice", "bob"])("is over at both ends, by a BYE to each: asked at the home of %s", async (user) => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    const [call, ...more] = await calls(user);
    expect(more).toEqual([]);
    expect(call).toMatchObject({ state: "answered", direction: user === "alice" ? "outgoing" : "incoming", callId: alice.call.id });
    expect(call?.remote).toContain(user === "alice" ? "bob" : "alice");
    expect(await end(user, call?.id)).toBe("ended");
    await world.settle();
    expect([alice.state, bob.state, world.faults]).toEqual(["ended by bye", "ended by bye", []]);
    expect(header(bob.last("BYE"), "reason")).toContain("an administrator has ended the call");
    expect([await calls("alice"), await calls("bob")]).toEqual([[], []]);
    expect(await end(user, call?.id)).toBe("unknown");
  });

  it("has one id for both users", async () => {
    scenario = await startTalking();
    expect((await calls("alice"))[0]?.id).toBe((await calls("bob"))[0]?.id);
  });

  it.each(["alice", "bob"])("is over while it rings, the caller has 487: asked at the home of %s", async (user) => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    const [call] = await calls(user);
    expect(call?.state).toBe(user === "alice" ? "calling" : "ringing");
    expect(await end(user, call?.id)).toBe("ended");
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
    expect(header(bob.last("CANCEL"), "reason")).toContain("an administrator has ended the call");
    await world.pass(100);
    expect([await calls("alice"), await calls("bob"), world.faults]).toEqual([[], [], []]);
  });

  it.each(["evict", "abort"] as const)("is over for a phone that is away, when it comes back: %s", async (loss) => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    alice.leaves();
    await world.settle();
    if (loss === "evict") world.lose(loss, world.homeOf("alice"));
    const [call] = await calls("alice");
    expect(await end("alice", call?.id)).toBe("ended");
    await world.settle();
    expect(bob.state).toBe("ended by bye");
    await alice.comes();
    await world.settle();
    expect([alice.state, world.faults]).toEqual(["ended by bye", []]);
    expect(await calls("alice")).toEqual([]);
  });

  it("is one of several: the others go on", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    const second = alice.invites(carol.aor);
    await world.settle();
    carol.answers();
    await world.settle();
    const both = await calls("alice");
    expect(both).toHaveLength(2);
    expect(await end("alice", both.find(({ callId }) => callId === second.id)?.id)).toBe("ended");
    await world.settle();
    expect([second.state, carol.state, bob.state]).toEqual(["ended by bye", "ended by bye", "talking"]);
    expect(await calls("alice")).toHaveLength(1);
  });

  it("is ended by no other id", async () => {
    scenario = await startTalking();
    expect([await end("alice", "0123456789abcdef"), await end("alice", "")]).toEqual(["unknown", "unknown"]);
    expect(scenario.alice.state).toBe("talking");
  });

  it("is not ended if too little is known of it: an older one of many on one connection", async () => {
    scenario = await startTalking();
    const { alice, bob, world } = scenario;
    const [first] = await calls("alice");
    for (let count = 0; count < 5; count += 1) {
      alice.invites(bob.aor);
      await world.settle();
      bob.answers();
      await world.settle();
    }
    expect(await end("alice", first?.id)).toBe("unclear");
  });
});
