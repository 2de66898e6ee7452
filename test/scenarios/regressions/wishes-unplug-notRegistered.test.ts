import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("a caller's Reject-Contact does not make a registered user absent for his rules", async () => {
  cast = await stage({ rules: { bob: { forward: { notRegistered: "sip:carol@example.com" } } }, bob: { parameters: ";audio" } });
  const carol = await cast.joins("carol");
  cast.alice.invites(cast.bob.aor, ["Reject-Contact: *;audio"]);
  await cast.world.settle();
  expect([cast.bob.state, carol.state]).toEqual(["idle", "idle"]);
});
