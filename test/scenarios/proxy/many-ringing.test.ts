import { afterEach, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

it("of 100 calls that ring at one phone each can be cancelled, the oldest too (RFC 3261 §9.1)", async () => {
  scenario = await startScenario();
  const { alice, bob, world } = scenario;
  const callers = [alice, ...(await Promise.all(["carol", "dave"].map((name) => scenario.joins(name))))];
  const calls = [];
  for (let count = 0; count < 100; count += 1) calls.push([callers[count % 3] ?? alice, callers[count % 3]?.invites(bob.aor)] as const);
  await world.settle();
  expect(bob.all("INVITE").length).toBe(100);
  for (const [caller, call] of calls) caller.cancels(call);
  await world.settle();
  expect(bob.all("CANCEL").length).toBe(100);
  expect(callers.flatMap((caller) => caller.calls.map(({ state }) => state))).toEqual(Array.from({ length: 100 }, () => "ended 487"));
});
