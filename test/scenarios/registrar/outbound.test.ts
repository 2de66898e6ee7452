import { afterEach, describe, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("registration over a flow (RFC 5626)", () => {
  it("says that outbound is in use, and how often to be alive (§5.4, §6)", async () => {
    scenario = await startScenario();
    const answer = scenario.bob.last(200, "REGISTER");
    expect([header(answer, "require"), header(answer, "flow-timer")]).toEqual(["outbound", "120"]);
  });

  it("names the way of the phone's requests (RFC 3608)", async () => {
    scenario = await startScenario();
    expect(header(scenario.bob.last(200, "REGISTER"), "service-route")).toBe("<sip:example.com;transport=ws;lr>");
  });

  it("that way can be taken", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const sent = alice.asks("OPTIONS", bob.aor, ["Route: <sip:example.com;transport=ws;lr>"]);
    await world.settle();
    expect([sent.final, headers(bob.last("OPTIONS"), "route")]).toEqual([200, []]);
  });

  it("of the same instance and reg-id replaces the old flow (§6)", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.isCut();
    await world.settle();
    alice.invites(bob.aor);
    await world.settle();
    expect([bob.all("INVITE").length, headers(bob.last(200, "REGISTER"), "contact").length]).toEqual([1, 1]);
  });

  it("survives the loss of all memory without a new REGISTER row", async () => {
    scenario = await startScenario();
    const { bob, world } = scenario;
    const before = world.homeOf("bob").sql.written;
    world.lose("evict");
    bob.registers();
    await world.settle();
    expect([bob.last(200, "REGISTER").status, world.homeOf("bob").sql.written]).toEqual([200, before]);
  });

  it("of a phone that only blinks costs a row when it goes, and one when it is back", async () => {
    scenario = await startScenario();
    const { bob, world } = scenario;
    const before = world.homeOf("bob").sql.written;
    bob.isCut();
    await world.settle();
    expect(bob.isRegistered).toBe(true);
    expect(world.homeOf("bob").sql.written).toBe(before + 2);
  });

  it("ends with its phone: after the grace nobody is called", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.pass(31);
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("ended 480");
  });

  it("that is not refreshed ends at its time, though the socket is open", async () => {
    scenario = await startScenario({ bob: { expires: 60 } });
    const { alice, bob, world } = scenario;
    await world.pass(61);
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("ended 480");
  });
});

describe("an idle phone", () => {
  it("costs nothing: an hour of sleep sets no alarm and writes no row", async () => {
    scenario = await startScenario({ bob: { expires: 7200 } });
    const { world } = scenario;
    const home = world.homeOf("bob");
    world.lose("evict");
    const [before, alarm] = [home.sql.written, home.alarm];
    await world.pass(3600);
    expect([home.sql.written, home.alarm]).toEqual([before, alarm]);
  });

  it("that rings sleeps too: no timer, nothing under way", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.invites(bob.aor);
    await world.settle();
    expect(world.isQuiet).toBe(true);
    world.lose("evict");
    bob.answers();
    await world.settle();
    expect(alice.state).toBe("talking");
  });
});
