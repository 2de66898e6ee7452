import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());
const rows = (user: string, table: string) => cast.world.homeOf(user).sql.exec(`SELECT * FROM ${table}`).toArray();

it("the row of a forked request other than INVITE, which no phone answers, is deleted some time", async () => {
  cast = await stage({ bob: { isManual: true } });
  const { alice, bob, world } = cast;
  await cast.joins("bob", { isManual: true });
  for (let n = 0; n < 5; n += 1) alice.asks("OPTIONS", bob.aor);
  await world.settle();
  await world.pass(7200);
  bob.isCut();
  await world.pass(7200);
  expect(rows("bob", "contexts")).toHaveLength(0);
});
