import { describe, expect, it } from "vitest";
import { type Conversation, conversations } from "./world/conversations.ts";
import { type Scenario, startScenario } from "./world/scenario.ts";
import { type Loss, WorldEnded, losses } from "./world/world.ts";

async function steps({ play, options }: Conversation): Promise<number> {
  const scenario = await startScenario(options);
  const before = scenario.world.steps;
  await play(scenario);
  scenario.world.end();
  return scenario.world.steps - before;
}

/** What came of it, as text: the outcome, or what was thrown. */
async function playWith({ play, options }: Conversation, loss: Loss, at: number): Promise<string> {
  const scenario = await startScenario(options);
  scenario.world.plan(at, loss);
  try {
    const outcome = await play(scenario);
    if (isUnsent(scenario)) return "unsent";
    return scenario.world.faults.length === 0 ? JSON.stringify(outcome) : String((scenario.world.faults[0] as Error).stack);
  } catch (error) {
    if (error instanceof WorldEnded) throw error;
    return isUnsent(scenario) ? "unsent" : String(error);
  } finally {
    scenario.world.end();
  }
}

/** The INVITE went down with its socket before anything answered it: its phone knows, and gives it up by Timer B. */
function isUnsent({ alice, bob }: Scenario): boolean {
  return (alice.state === "calling" || alice.state === "ended 481") && alice.call.invite?.provisional === 0 && bob.state === "idle";
}

describe("whatever is lost between any two messages, or between saving and sending", () => {
  const rows: string[] = [];
  it.each(conversations)("$name", async (conversation) => {
    const count = await steps(conversation);
    const failures: string[] = [];
    for (const loss of losses) {
      let passed = 0;
      let unsent = 0;
      for (let at = 1; at <= count; at += 1) {
        const outcome = await playWith(conversation, loss, at);
        if (outcome === JSON.stringify(conversation.outcome)) passed += 1;
        else if (outcome === "unsent") unsent += 1;
        else failures.push(`${loss} before step ${at} of ${count}: ${outcome}`);
      }
      rows.push(
        `${conversation.name.padEnd(48)} ${loss.padEnd(6)} ${passed}/${count}${unsent === 0 ? "" : ` (${unsent}: the INVITE had not been answered, and the phone ends it)`}`,
      );
    }
    console.log(rows.splice(0).join("\n"));
    expect(failures).toEqual([]);
  });
});
