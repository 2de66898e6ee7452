import { afterEach, expect, it } from "vitest";
import { cseqMethod } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it.each(["MESSAGE", "SUBSCRIBE", "OPTIONS", "INFO"])(
  "a %s to a server that cannot be found has one response, however long it is waited",
  async (method) => {
    scenario = await startScenario();
    const { alice, world } = scenario;
    world.domainSettings({ callsOut: true });
    // What was read before is not used any more.
    await world.pass(61);
    alice.asks(method, "sip:x@192.0.2.1:9377;transport=udp", method === "SUBSCRIBE" ? ["Event: presence", "Expires: 600"] : []);
    await world.settle();
    await world.pass(100);
    const finals = alice.heard.filter((one) => cseqMethod(one) === method && one.status >= 200);
    expect(finals.map(({ status }) => status)).toEqual([500]);
    expect([world.homeOf("alice").sql.rows("contexts"), world.faults]).toEqual([[], []]);
  },
);
