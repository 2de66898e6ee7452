import { afterEach, describe, expect, it } from "vitest";
import { shortSdp } from "../../support/compose.ts";
import { type ReceivedMessage, headers } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("a message near the limits", () => {
  const lines = Array.from({ length: 245 }, (_, index) => `X-Line-${index}: x`);

  it("an INVITE with as many header lines as are taken is cancelled as any other", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor, lines);
    await world.settle();
    alice.cancels();
    await world.settle();
    expect([alice.state, bob.state, world.faults]).toEqual(["ended 487", "ended 487", []]);
  });

  it("survives the loss of memory", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor, lines);
    await world.settle();
    world.lose("evict");
    bob.rejects(603);
    await world.settle();
    expect([alice.state, world.faults]).toEqual(["ended 603", []]);
  });

  it("an answer whose first line of Vias is as long as it may be comes through, and the caller is in no call any more", async () => {
    scenario = await startScenario({ rules: { alice: { maximumCalls: 1 } } });
    const { alice, bob, world } = scenario;
    const hop = (index: number) => `SIP/2.0/WSS a.invalid;branch=z9hG4bK${index}`;
    alice.invites(bob.aor, [`Via: ${Array.from({ length: 390 }, (_, index) => hop(index)).join(",")}`]);
    await world.settle();
    const heard = bob.call.heard as ReceivedMessage;
    const others = heard.headers.filter(([name]) => name !== "via");
    const long = { ...heard, headers: [["via", headers(heard, "via").join(",")], ...others] } as const;
    bob.replies(long, 200, [`Contact: ${bob.contact}`, "Content-Type: application/sdp"], shortSdp);
    await world.settle();
    expect([alice.state, world.faults]).toEqual(["talking", []]);
    alice.hangsUp();
    await world.settle();
    bob.invites(alice.aor);
    await world.settle();
    expect(bob.state).toBe("hears ringing");
  });

  it("an instance-id longer than 400 characters is refused (400)", async () => {
    scenario = await startScenario({ bob: { instance: `urn:x-${"x".repeat(400)}` }, absent: ["bob"] });
    await scenario.bob.comes();
    await scenario.world.settle();
    expect([scenario.bob.last(400).status, scenario.world.faults]).toEqual([400, []]);
  });

  it.each([[7], [9]])(
    "a phone registers %i Contacts of 2,000 characters on one connection, is called after a sleep, and cancels",
    async (count) => {
      scenario = await startScenario();
      const { alice, bob, world } = scenario;
      const contacts = Array.from({ length: count }, (_, index) => `Contact: <sip:${"x".repeat(1960)}${index}@h.invalid>`);
      bob.sends("REGISTER", "sip:example.com", [
        ...[`From: <${bob.aor}>;tag=1`, `To: <${bob.aor}>`, "Call-ID: many-contacts", "CSeq: 1 REGISTER", "Expires: 600"],
        ...contacts,
      ]);
      await world.settle();
      expect(bob.last(200).raw.match(/x{1960}\d@h.invalid/g)).toHaveLength(count);
      world.lose("evict");
      alice.invites(bob.aor);
      await world.settle();
      expect(bob.state).toBe("ringing");
      alice.cancels();
      await world.settle();
      expect([bob.state, world.faults]).toEqual(["ended 487", []]);
    },
  );

  it("a phone that is in a great many calls goes on making more", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    for (let count = 0; count < 70; count += 1) {
      alice.invites(bob.aor);
      await world.settle();
      bob.answers();
    }
    await world.settle();
    for (let count = 0; count < 38; count += 1) alice.invites(bob.aor);
    await world.settle();
    expect([alice.state, world.faults]).toEqual(["hears ringing", []]);
  });
});
