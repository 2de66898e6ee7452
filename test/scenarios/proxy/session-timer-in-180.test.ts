import { afterEach, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("only the 2xx is given a Session-Expires and Require: timer (RFC 4028 §8.2)", async () => {
  scenario = await startScenario();
  scenario.alice.invites(scenario.bob.aor, ["Supported: timer", "Session-Expires: 1800"]);
  await scenario.world.settle();
  const ringing = scenario.alice.last(180);
  expect([header(ringing, "require"), header(ringing, "session-expires")]).toEqual([undefined, undefined]);
});
