import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice calls an address in a domain that refuses numbers which begin with +1900; dave has a name that could be a number, and aliases. */
async function calls(uri: string) {
  scenario = await startScenario();
  const { world, alice } = scenario;
  world.route("no-premium", { order: 1, match: { user: { pattern: "^\\+1900" } }, action: { kind: "reject", status: 603 } });
  world.route("office", { order: 2, match: { user: { prefix: "+4930" } }, action: { kind: "local", user: "carol" } });
  world.subscribe("99-01");
  world.subscribe("9901#1");
  const [carol, dashed, hashed] = [await scenario.joins("carol"), await scenario.joins("99-01"), await scenario.joins("9901#1")];
  alice.invites(uri);
  await world.settle();
  const rings = [carol, dashed, hashed].filter(({ state }) => state === "ringing").map(({ account }) => account);
  return rings[0] ?? alice.state;
}

const pad = "x".repeat(60);

describe("a route for numbers applies to them however they are written", () => {
  it.each([
    "sip:+19005551234@example.com",
    "tel:+1-900-5551234",
    "sip:+1-900-5551234@example.com",
    "sip:+1-900-5551234@example.com;user=phone",
    "sip:+1%20900%20555@example.com",
    "sip:+1/900/555@example.com",
    "sip:%2B1900555@example.com",
    `sip:+1-900;${pad}@example.com`,
    `sip:+19005551234;${pad}@example.com;user=phone`,
    `sip:+19005551234${"0".repeat(60)}@example.com`,
    `tel:+19005551234${"0".repeat(60)}`,
    `tel:+19005551234;isub=${pad}`,
    "sip:+1-900555@example.com;gr=x",
  ])("%s is refused", async (uri) => {
    expect(await calls(uri)).toBe("ended 603");
  });

  it.each(["sip:+4930123@example.com", "sip:+49-30-123@example.com", "tel:+49(30)123"])("%s goes to the user of the route", async (uri) => {
    expect(await calls(uri)).toBe("carol");
  });

  it.each(["sip:+1-900x@example.com", "sip:+1900,1@example.com"])("%s is no number, and could be read as one: 484", async (uri) => {
    expect(await calls(uri)).toMatch(/^ended (484|603)$/);
  });
});

describe("a user whose name looks like a number", () => {
  it.each([
    ["sip:99-01@example.com", "99-01"],
    ["sip:9901%231@example.com", "9901#1"],
    ["sip:9901@example.com", "ended 404"],
    ["sip:alice-2@example.com", "ended 404"],
  ])("is found by exactly that name, before it is read as a number: %s", async (uri, who) => {
    expect(await calls(uri)).toBe(who);
  });
});
