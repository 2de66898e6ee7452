import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("a call to one instance's GRUU does not ring another phone that registers meanwhile (RFC 5627 §6.1)", async () => {
  cast = await stage();
  const gruu = `sip:bob@example.com;gr=${cast.bob.instance}`;
  cast.alice.invites(gruu);
  await cast.world.settle();
  expect(cast.bob.state).toBe("ringing");
  const second = await cast.joins("bob");
  await cast.world.settle();
  expect(second.state).toBe("idle");
});
