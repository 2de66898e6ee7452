import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());
const contexts = () => scenario.world.homeOf("bob").sql.rows("contexts") as readonly { state: string; request: string }[];

describe("requests of other kinds that wait for the user's phones", () => {
  it("are no more of one sender than 100: 480 beyond, and later there is room again", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    await scenario.joins("bob", { isManual: true });
    for (let sent = 0; sent < 150; sent += 1) alice.asks("OPTIONS", bob.aor);
    await world.settle();
    expect(contexts()).toHaveLength(100);
    expect(alice.all(480)).toHaveLength(50);
    await world.pass(60);
    alice.asks("OPTIONS", bob.aor);
    await world.settle();
    expect(alice.all(480)).toHaveLength(50);
  });

  it("are no more of one sender than 1 MiB: 480 beyond", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    await scenario.joins("bob", { isManual: true });
    for (let sent = 0; sent < 20; sent += 1) alice.asks("INFO", bob.aor, ["Content-Type: text/plain"], "x".repeat(200_000));
    await world.settle();
    expect(contexts().reduce((sum, { state, request }) => sum + state.length + request.length, 0)).toBeLessThan(1_100_000);
    expect(alice.all(480)).toHaveLength(15);
  });
});
