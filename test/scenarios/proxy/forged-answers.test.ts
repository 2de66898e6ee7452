import { afterEach, describe, expect, it } from "vitest";
import { type ReceivedMessage, headers } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

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
