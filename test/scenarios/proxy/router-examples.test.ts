import { readFileSync, readdirSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { Router as AgentsFirst } from "../../../docs/examples/routing/agents-first.ts";
import { Router as LeastCost } from "../../../docs/examples/routing/least-cost.ts";
import { Router as OpeningHours } from "../../../docs/examples/routing/opening-hours.ts";
import type { IncomingCall } from "../../../lib/routing/routing.ts";
import type { CallRouter } from "../../../platform/router/ask-router.ts";
import { readDecision } from "../../../platform/router/decision.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { headers } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario | undefined;
afterEach(() => scenario?.world.end());

/** The platform makes a Worker with its context and its environment; the examples use neither. */
const made = (example: unknown): CallRouter => new (example as new () => CallRouter)();

/** The example decides in a world where these have phones, besides alice and bob. */
async function decides(example: unknown, change: Partial<IncomingCall>, ...names: readonly string[]) {
  scenario = await startScenario();
  const { world, alice, bob, joins } = scenario;
  for (const name of names) if (name !== "carol") world.subscribe(name);
  const phones = new Map<string, SimulatedPhone>([["bob", bob]]);
  for (const name of names) phones.set(name, await joins(name));
  await world.router((call) => made(example).route({ ...call, ...change }));
  const states = () => Object.fromEntries([...phones].map(([name, phone]) => [name, phone.state]));
  return { world, alice, phones, states };
}

describe("the examples of docs/routing.md", () => {
  it("stand there as they are tested, and have 30 lines at most", () => {
    const page = readFileSync("docs/routing.md", "utf8");
    for (const file of readdirSync("docs/examples/routing")) {
      const text = readFileSync(`docs/examples/routing/${file}`, "utf8");
      expect(page).toContain(`\`\`\`ts\n${text}\`\`\``);
      expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(30);
    }
  });

  it.each([
    ["2026-01-05T08:30:00Z", "bob"],
    ["2026-07-06T07:30:00Z", "bob"],
    ["2026-01-05T07:30:00Z", "voice-mail"],
    ["2026-01-05T16:30:00Z", "voice-mail"],
    ["2026-01-04T10:00:00Z", "voice-mail"],
  ])("opening hours: a customer who calls at %s reaches %s", async (time, who) => {
    const { alice, world, states, phones } = await decides(OpeningHours, { caller_kind: "trunk", time }, "voice-mail");
    alice.invites("sip:bob@example.com");
    await world.settle();
    expect(states()).toEqual({ bob: "idle", "voice-mail": "idle", [who]: "ringing" });
    const invite = phones.get(who)?.last("INVITE");
    expect(invite && headers(invite, "x-closed")).toEqual(who === "bob" ? [] : ["yes"]);
  });

  it("least cost: the cheapest trunk first, the others after it", async () => {
    const ask = async (dialled: string) => readDecision(await made(LeastCost).route({ dialled, caller_kind: "user" } as IncomingCall));
    const to = (number: string, ...trunks: readonly string[]) => ({
      action: "ring",
      targets: trunks.map((trunk, index) => ({ to: number, trunk, after: 15 * index, seconds: 60 })),
    });
    expect(await ask("+4930123")).toEqual(to("+4930123", "north", "south"));
    expect(await ask("+1555")).toEqual(to("+1555", "south", "north"));
    expect(await ask("+33123")).toEqual(to("+33123", "south"));
    expect(await ask("bob")).toEqual({ action: "continue" });
  });

  it("agents first: the software agent has ten seconds, then people ring", async () => {
    const { alice, world, states, phones } = await decides(AgentsFirst, {}, "receptionist-bot", "carol");
    alice.invites("sip:sales@example.com");
    await world.settle();
    expect(states()).toEqual({ "receptionist-bot": "ringing", bob: "idle", carol: "idle" });
    await world.pass(11);
    expect(states()).toEqual({ "receptionist-bot": "ended 487", bob: "ringing", carol: "ringing" });
    phones.get("carol")?.answers();
    await world.settle();
    expect([alice.state, states()["bob"]]).toEqual(["talking", "ended 487"]);
  });

  it("agents first: people ring at once if the agent refuses", async () => {
    const { alice, world, states, phones } = await decides(AgentsFirst, {}, "receptionist-bot", "carol");
    alice.invites("sip:sales@example.com");
    await world.settle();
    phones.get("receptionist-bot")?.rejects(480);
    await world.settle();
    expect(states()).toMatchObject({ bob: "ringing", carol: "ringing" });
  });
});
