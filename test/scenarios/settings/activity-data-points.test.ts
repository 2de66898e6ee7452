import { afterEach, describe, expect, it } from "vitest";
import { watch } from "../../support/watching.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** The data points of what is done by the two phones, without their registrations. */
async function counted(act: (scenario: Scenario) => unknown): Promise<string[]> {
  scenario = await startScenario();
  const before = scenario.world.dataPoints.length;
  await act(scenario);
  await scenario.world.settle();
  return scenario.world.dataPoints.slice(before).map((point) => point.replace("example.com example.com ", ""));
}

describe("Analytics Engine gets a data point", () => {
  it("of each new registration, and of its end, but not of a refresh", async () => {
    const points = await counted(async ({ bob, world }) => {
      bob.registers();
      await world.settle();
      bob.unregisters();
    });
    expect([scenario.world.dataPoints.slice(0, 2), points]).toEqual([
      ["example.com example.com registered  0", "example.com example.com registered  0"],
      ["unregistered  0"],
    ]);
  });

  it("of a message that a phone has taken, and of one that is stored", async () => {
    const text = ["Content-Type: text/plain"];
    expect(await counted(({ alice, bob }) => alice.asks("MESSAGE", bob.aor, text, "hello"))).toEqual(["response MESSAGE 200"]);
    const points = await counted(async ({ alice, bob, world }) => {
      bob.unregisters();
      await world.settle();
      alice.asks("MESSAGE", bob.aor, text, "hello");
    });
    expect(points.sort()).toEqual(["message.stored  0", "response MESSAGE 202", "unregistered  0"]);
  });

  it("of a subscription, and of one that is refused", async () => {
    const points = await counted(({ alice, bob }) => {
      watch(alice, bob.aor, "presence");
      watch(alice, "sip:nobody@example.com", "presence");
    });
    expect(points.sort()).toEqual(["response SUBSCRIBE 200", "response SUBSCRIBE 404"]);
  });

  it("of a call that is refused, once, but not of one that is answered", async () => {
    const refused = await counted(async ({ alice, bob, world }) => {
      alice.invites(bob.aor);
      await world.settle();
      bob.rejects(486);
    });
    expect(refused).toEqual(["response INVITE 486"]);
    const answered = await counted(async ({ alice, bob, world }) => {
      alice.invites(bob.aor);
      await world.settle();
      bob.answers();
      await world.settle();
      alice.hangsUp();
    });
    expect(answered).toEqual([]);
    expect(await counted(({ alice }) => alice.invites("sip:nobody@example.com"))).toEqual(["response INVITE 404"]);
  });
});
