import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("a caller who wants to be redirected is not told whom calls are sent on to (RFC 3841 §9.1)", async () => {
  cast = await stage({ rules: { bob: { forward: { always: "sip:carol@example.com" } } } });
  const carol = await cast.joins("carol");
  cast.alice.invites(cast.bob.aor, ["Request-Disposition: redirect"]);
  await cast.world.settle();
  expect([cast.alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
});
