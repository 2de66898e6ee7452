import { afterEach, expect, it } from "vitest";
import { compose, shortSdp } from "../../support/compose.ts";
import { copiedLines } from "../../support/dialog.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const isRoute = (line: string) => line.startsWith("Record-Route:");

/** RFC 3261 §12.1.1: a 2xx has the Record-Route of its INVITE, and a Contact. */
it.each<[string, (lines: readonly string[], contact: string) => string[]]>([
  ["as it has to be", (lines, contact) => [...lines, `Contact: ${contact}`]],
  ["without Record-Route", (lines, contact) => [...lines.filter((line) => !isRoute(line)), `Contact: ${contact}`]],
  [
    "with the Record-Route of another server",
    (lines, contact) => [...lines.map((line) => (isRoute(line) ? "Record-Route: <sip:127.0.0.1:1;lr>" : line)), `Contact: ${contact}`],
  ],
  [
    "with an altered Record-Route",
    (lines, contact) => [...lines.map((line) => (isRoute(line) ? line.replace("route.", "route.AAAA") : line)), `Contact: ${contact}`],
  ],
  ["without Contact", (lines) => [...lines]],
  ["with a Contact that is no URI", (lines) => [...lines, "Contact: <foo>"]],
  ["with a Contact that is a telephone number", (lines) => [...lines, "Contact: <tel:+1555>"]],
  ["with the Contact *", (lines) => [...lines, "Contact: *"]],
])("a caller can hang up on a phone that answers %s, and may call again", async (_how, written) => {
  scenario = await startScenario({ rules: { alice: { maximumCalls: 1 } } });
  const { alice, bob, world } = scenario;
  const carol = await scenario.joins("carol");
  alice.invites(bob.aor);
  await world.settle();
  const lines = written(copiedLines(bob.last("INVITE"), "bob"), bob.contact);
  bob.sendsText(compose("SIP/2.0 200 OK", [...lines, "Content-Type: application/sdp"], shortSdp));
  await world.settle();
  expect(alice.state).toBe("talking");
  alice.hangsUp();
  await world.settle();
  expect(bob.all("BYE").length).toBe(1);
  await world.pass(3);
  const next = alice.invites(carol.aor);
  await world.settle();
  expect(next.state).toBe("hears ringing");
});
