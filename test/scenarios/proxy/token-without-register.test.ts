import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Bob talks with alice's phone, and a page has a token of hers. */
async function withPage(scope: readonly ("call" | "watch")[]) {
  scenario = await startTalking();
  const { world, alice } = scenario;
  world.signsInByToken("alice", { scope, targets: ["carol@example.com"] });
  const page = await scenario.joins("alice", { instance: alice.instance });
  await world.settle();
  return { ...scenario, page };
}

describe("a page whose token does not register gets nothing that is for the user's phone, though its INVITE names that", () => {
  it.each([
    ["watch", "its Contact", "registered"],
    ["watch", "its GRUU", "registered"],
    ["call", "its Contact", "registered"],
    ["call", "its GRUU", "registered"],
    ["watch", "its GRUU", "not registered at that moment"],
    ["call", "its Contact", "not registered at that moment"],
  ] as const)("scope %s, by %s, while it is %s", async (scope, by, state) => {
    const { world, alice, bob, page } = await withPage([scope]);
    if (state !== "registered") alice.unregisters();
    await world.settle();
    const contact = by === "its GRUU" ? `<${alice.aor};gr=${alice.instance}>` : `${alice.contact};+sip.instance="<${alice.instance}>"`;
    const to = "sip:carol@example.com";
    const lines = [`From: <${page.aor}>;tag=x`, `To: <${to}>`, "Call-ID: page", "CSeq: 1 INVITE", `Contact: ${contact}`];
    const sent = page.sends("INVITE", to, lines);
    await world.settle();
    expect(sent.final).toBe(scope === "watch" ? 403 : 480);
    alice.registers();
    await world.settle();
    bob.asks("MESSAGE", alice.aor, ["Content-Type: text/plain"], "for alice's phone");
    const { dialog } = bob.call;
    if (dialog === undefined) throw new Error("they do not talk");
    bob.within("INVITE", dialog, [`Contact: ${bob.contact}`], 51);
    await world.settle();
    expect([page.all("MESSAGE").length, page.all("INVITE").length]).toEqual([0, 0]);
    bob.hangsUp();
    await world.settle();
    expect([alice.all("MESSAGE").length, alice.all("BYE").length, page.all("BYE").length]).toEqual([1, 1, 0]);
  });
});
