import { afterEach, describe, expect, it, vi } from "vitest";
import { compose, shortSdp } from "../../support/compose.ts";
import { copiedLines } from "../../support/dialog.ts";
import { type ReceivedMessage, headers } from "../../support/received-message.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Scenario, startScenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Two messages wait for alice. */
async function withMessages(): Promise<Scenario> {
  scenario = await startScenario();
  const { world, alice, bob } = scenario;
  alice.leaves(1000);
  await world.pass(120);
  for (const text of ["first", "second"]) {
    bob.asks("MESSAGE", alice.aor, ["Content-Type: text/plain"], text);
    await world.settle();
  }
  return scenario;
}

describe("messages that wait for a user", () => {
  it("are not said to have arrived by another page of the user, which guesses the branches of their requests", async () => {
    const { world, alice } = await withMessages();
    world.signsInByToken("alice", { scope: ["watch"] });
    const page = await scenario.joins("alice");
    const ids = [`From: <${page.aor}>;tag=x`, `To: <${alice.aor}>`, "Call-ID: sub", "CSeq: 1 SUBSCRIBE"];
    page.sends("SUBSCRIBE", alice.aor, [...ids, `Contact: ${page.contact}`, "Event: reg", "Expires: 600"]);
    await world.settle();
    const notify = page.last("NOTIFY");
    const [via = ""] = headers(notify, "via");
    const hint = /branch=z9hG4bK(.{8})/.exec(via)?.[1] ?? "";
    for (let number = 1; number < 50; number += 1) {
      for (const guess of [`!${number}.x`, `!${number}-${"A".repeat(16)}.x`]) {
        const forged = via.replace(/branch=[^;,]+/, `branch=z9hG4bK${hint}${guess}`);
        const others = notify.headers.filter(([name]) => name !== "via");
        const asked: ReceivedMessage = { ...notify, method: "MESSAGE", headers: [["via", forged], ...others] };
        page.replies(asked, 200);
      }
    }
    await world.settle();
    page.leaves(1000);
    world.signsInByToken("alice", {});
    await alice.comes();
    await world.pass(5);
    expect(alice.all("MESSAGE").map(({ body }) => body)).toEqual(["first", "second"]);
  });
});

/** A 200 as a phone says it, with something else in it. */
function lies(phone: SimulatedPhone, request: ReceivedMessage, change: (line: string) => string): void {
  const lines = copiedLines(request, phone.instance.slice(-6)).map(change);
  phone.sendsText(compose("SIP/2.0 200 OK", [...lines, `Contact: ${phone.contact}`, "Content-Type: application/sdp"], shortSdp));
}

describe("an answer that names another dialog or way than its INVITE is no answer", () => {
  it.each([
    ["another From tag", (line: string) => (line.startsWith("From:") ? line.replace(/;tag=.*/, ";tag=other") : line)],
    ["another Via of the caller", (line: string) => line.replace("@@", "z9hG4bKother")],
  ] as const)("%s: the caller hears nothing, and is in no call", async (_what, change) => {
    scenario = await startScenario({ rules: { alice: { maximumCalls: 1 } } });
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    const call = alice.invites(bob.aor);
    await world.settle();
    lies(bob, bob.last("INVITE"), (line) => change(line.replace(call.invite?.branch ?? "", "@@")).replace("@@", call.invite?.branch ?? ""));
    await world.settle();
    expect(alice.state).toBe("hears ringing");
    alice.cancels(call);
    await world.settle();
    const next = alice.invites(carol.aor);
    await world.settle();
    expect(next.state).toBe("hears ringing");
  });

  it.each([
    ["with a space behind it", (line: string) => `${line} `],
    ["in two lines", (line: string) => line.replace(" BYE", "\r\n BYE")],
  ])("a refused BYE counts again, also if the CSeq of its answer is written %s", async (_how, written) => {
    scenario = await startTalking({ rules: { alice: { maximumCalls: 1 } } });
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    vi.spyOn(bob, "replies").mockImplementation((request) => {
      const lines = copiedLines(request, "").map((line) => (line.startsWith("CSeq:") ? written(line) : line));
      bob.sendsText(compose("SIP/2.0 500 No", lines));
    });
    const { dialog } = alice.call;
    if (dialog !== undefined) alice.within("BYE", dialog, ["Require: x-unknown"]);
    await world.settle();
    await world.pass(60);
    const next = alice.invites(carol.aor);
    await world.settle();
    expect(next.state).toBe("ended 403");
  });
});

it("an INVITE with the branch of a call that was answered just now goes to no other user", async () => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  const carol = await scenario.joins("carol");
  const first = alice.invites(bob.aor);
  await world.settle();
  bob.answers();
  await world.settle();
  const lines = [`From: <${alice.aor}>;tag=b`, `To: <${carol.aor}>`, "Call-ID: second", "CSeq: 1 INVITE", `Contact: ${alice.contact}`];
  alice.sends("INVITE", carol.aor, lines, "", first.invite?.branch);
  await world.settle();
  expect([alice.all(400, "INVITE").length, carol.state]).toEqual([1, "idle"]);
});

it("a BYE without a To tag ends nothing, and goes nowhere", async () => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  const bye = alice.asks("BYE", bob.aor);
  await world.settle();
  expect([bye.final, bob.all("BYE").length]).toEqual([481, 0]);
});
