import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice sends an INVITE within the call, which is refused, and then its ACK. @returns the status, and how many ACKs bob's phone gets */
async function asksAgain(refuse: (scenario: Scenario) => void | Promise<void>, branchOfAck?: string) {
  scenario = await startTalking();
  const { alice, bob, world } = scenario;
  const { dialog } = alice.call;
  if (dialog === undefined) throw new Error("alice is in no call");
  await refuse(scenario);
  await world.settle();
  const before = bob.all("ACK").length;
  const sent = alice.within("INVITE", dialog, [`Contact: ${alice.contact}`], 7);
  await world.settle();
  const lines = sent.lines.map((line) => line.replace("7 INVITE", "7 ACK"));
  alice.sends("ACK", sent.uri, lines, "", branchOfAck ?? sent.branch);
  await world.settle();
  return [sent.final, bob.all("ACK").length - before];
}

describe("the ACK for the refusal of an INVITE within a dialog (RFC 3261 §17.1.1.3)", () => {
  const blocks = ({ world }: Scenario) => world.changeRules("bob", { blocked: ["alice@example.com"] });
  const refuses = ({ bob }: Scenario) => {
    const replies = bob.replies.bind(bob);
    bob.replies = (request, status, ...more) => replies(request, request.method === "INVITE" ? 488 : status, ...more);
  };

  it("ends at the server that has refused it", async () => {
    expect(await asksAgain(blocks)).toEqual([603, 0]);
  });

  it("goes to the phone that has refused it, since the server keeps no state of it (§16.11)", async () => {
    expect(await asksAgain(refuses)).toEqual([488, 1]);
  });

  it("goes on if its branch is of no INVITE that the server has refused: it may be for a 2xx", async () => {
    expect(await asksAgain(blocks, "z9hG4bKanother")).toEqual([603, 1]);
  });
});
