import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("a phone that the caller rejects does not ring by registering meanwhile (RFC 3841 §7.2.4)", async () => {
  cast = await stage();
  cast.alice.invites(cast.bob.aor, ["Reject-Contact: *;automata"]);
  await cast.world.settle();
  const second = await cast.joins("bob", { parameters: ";automata" });
  await cast.world.settle();
  expect([cast.bob.state, second.state]).toEqual(["ringing", "idle"]);
});
