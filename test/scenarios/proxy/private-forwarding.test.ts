import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("a caller who wants to be redirected is not told whom calls are sent on to (RFC 3841 §9.1)", async () => {
  scenario = await startScenario({ rules: { bob: { forward: { always: "sip:carol@example.com" } } } });
  const carol = await scenario.joins("carol");
  scenario.alice.invites(scenario.bob.aor, ["Request-Disposition: redirect"]);
  await scenario.world.settle();
  expect([scenario.alice.state, carol.state]).toEqual(["hears ringing", "ringing"]);
});

it.each([
  ["nobody", "sip:nobody@example.com", 404],
  ["a port where no server is", "sip:secret@elsewhere.example:6379", 403],
  ["what is no address", "mailto:secret@example.com", 416],
])("a caller is not told why a call cannot be sent on to %s", async (_what, to, status) => {
  scenario = await startScenario({ rules: { bob: { forward: { always: to } } } });
  scenario.alice.invites(scenario.bob.aor);
  await scenario.world.settle();
  expect(scenario.alice.state).toBe(`ended ${status}`);
  const { raw } = scenario.alice.last(status);
  expect(raw).toContain("cannot be forwarded");
  expect(raw).not.toMatch(/secret|nobody|6379|no such user/);
});
