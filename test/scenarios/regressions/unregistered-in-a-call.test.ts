import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("a phone that unregisters in a call still hears that the other has hung up", async () => {
  cast = await stage();
  const { alice, bob, world } = cast;
  alice.invites(bob.aor);
  await world.settle();
  bob.answers();
  await world.settle();
  bob.unregisters();
  await world.settle();
  alice.hangsUp();
  await world.settle();
  expect([alice.state, bob.state]).toEqual(["ended by bye", "ended by bye"]);
});
