import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("a phone that registers meanwhile does not ring beside another one where the caller wants one after the other (RFC 3841 §9.1)", async () => {
  cast = await stage();
  cast.alice.invites(cast.bob.aor, ["Request-Disposition: sequential"]);
  await cast.world.settle();
  const late = await cast.joins("bob");
  await cast.world.settle();
  expect([cast.bob.state, late.state]).toEqual(["ringing", "idle"]);
});
