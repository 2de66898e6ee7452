import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("a forwarded call rings on when another phone of the third registers", async () => {
  cast = await stage({ rules: { bob: { forward: { always: "sip:carol@example.com" } } } });
  const carol = await cast.joins("carol");
  cast.alice.invites("sip:bob@example.com");
  await cast.world.settle();
  await cast.joins("carol");
  await cast.world.pass(15);
  expect([cast.alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
});
