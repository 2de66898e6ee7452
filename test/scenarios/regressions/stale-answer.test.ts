import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("the 200 of an old call is not said again when the callee's network blinks later", async () => {
  cast = await stage();
  const { alice, bob, world } = cast;
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(10);
  bob.answers();
  await world.settle();
  alice.hangsUp();
  await world.pass(60);
  const before = alice.all(200, "INVITE").length;
  world.lose("evict");
  await world.pass(1000);
  world.lose("evict");
  bob.isCut();
  await world.pass(20);
  expect(alice.all(200, "INVITE").length - before).toBe(0);
});
