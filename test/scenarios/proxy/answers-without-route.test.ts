import { afterEach, expect, it } from "vitest";
import { compose, shortSdp } from "../../support/compose.ts";
import { copiedLines, dialogOfCallee, dialogOfCaller } from "../../support/dialog.ts";
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
  [
    "with the Record-Route of another server below ours",
    (lines, contact) => [
      ...lines.flatMap((line) => (isRoute(line) ? [line, "Record-Route: <sip:evil.invalid;lr>"] : [line])),
      `Contact: ${contact}`,
    ],
  ],
  [
    "with 300 values of Record-Route",
    (lines, contact) => [
      `Record-Route: ${Array.from({ length: 300 }, () => "<sip:a.invalid;lr>").join(",")}`,
      ...lines,
      `Contact: ${contact}`,
    ],
  ],
  ["with a Contact that looks like a proxy of the domain", (lines) => [...lines, "Contact: <sip:example.com;lr>"]],
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

it.each([
  ["of an INVITE, which looks like a proxy of the domain", "<sip:example.com;lr>", undefined],
  ["of an UPDATE, which looks like a proxy of the domain", undefined, "<sip:example.com;lr>"],
  ["of an UPDATE, which has no scheme of SIP", undefined, "<foo:bar>"],
])("the other end can hang up whatever Contact a caller writes: %s", async (_how, first, later) => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  const ids = [`From: <${alice.aor}>;tag=a`, `To: <${bob.aor}>`, "Call-ID: strange-contact", "CSeq: 1 INVITE"];
  alice.sends("INVITE", bob.aor, [...ids, `Contact: ${first ?? alice.contact}`, "Content-Type: application/sdp"], shortSdp);
  await world.settle();
  bob.answers();
  await world.settle();
  const dialog = dialogOfCaller(alice.last(200, "INVITE"));
  alice.within("ACK", dialog, [], 1);
  if (later !== undefined) alice.within("UPDATE", dialog, [`Contact: ${later}`], 2);
  await world.settle();
  const target = (later ?? first ?? "").slice(1, -1);
  const tag = /tag=([^;]+)/.exec(dialog.remote)?.[1] ?? "";
  bob.within("BYE", { ...dialogOfCallee(bob.last("INVITE"), tag), target }, [], 5);
  await world.settle();
  expect(alice.all("BYE").length).toBe(1);
  expect(world.callRecords()).toMatchObject([{ outcome: "answered", endedBy: "callee" }]);
});
