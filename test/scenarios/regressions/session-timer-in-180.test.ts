import { afterEach, expect, it } from "vitest";
import { header } from "../../support/heard.ts";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("only the 2xx is given a Session-Expires and Require: timer (RFC 4028 §8.2)", async () => {
  cast = await stage();
  cast.alice.invites(cast.bob.aor, ["Supported: timer", "Session-Expires: 1800"]);
  await cast.world.settle();
  const ringing = cast.alice.last(180);
  expect([header(ringing, "require"), header(ringing, "session-expires")]).toEqual([undefined, undefined]);
});
