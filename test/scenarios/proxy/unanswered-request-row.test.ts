import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());
const rows = (user: string, table: string) => scenario.world.homeOf(user).sql.rows(table);

it("the row of a forked request other than INVITE, which no phone answers, is deleted some time", async () => {
  scenario = await startScenario({ bob: { isManual: true } });
  const { alice, bob, world } = scenario;
  await scenario.joins("bob", { isManual: true });
  for (let n = 0; n < 5; n += 1) alice.asks("OPTIONS", bob.aor);
  await world.settle();
  await world.pass(7200);
  bob.isCut();
  await world.pass(7200);
  expect(rows("bob", "contexts")).toHaveLength(0);
});
