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

it.each([
  ["nobody", "sip:nobody@example.com", 404],
  ["a port where no server is", "sip:secret@elsewhere.example:6379", 403],
  ["what is no address", "mailto:secret@example.com", 416],
])("a caller is not told why a call cannot be sent on to %s", async (_what, to, status) => {
  cast = await stage({ rules: { bob: { forward: { always: to } } } });
  cast.alice.invites(cast.bob.aor);
  await cast.world.settle();
  expect(cast.alice.state).toBe(`ended ${status}`);
  const { raw } = cast.alice.last(status);
  expect(raw).toContain("sent on to where they cannot go");
  expect(raw).not.toMatch(/secret|nobody|6379|no such user/);
});
