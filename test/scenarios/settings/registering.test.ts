import { afterEach, expect } from "vitest";
import { randomText } from "../../support/compose.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { header, headers } from "../../support/received-message.ts";
import { setting } from "../../support/setting.ts";
import { WebPushDevice } from "../../support/web-push-device.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function staged(settings: Readonly<Record<string, number>>, options: ScenarioOptions = {}): Promise<Scenario> {
  const texts = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
  scenario = await startScenario({ ...options, settings: texts });
  return scenario;
}

/** A REGISTER with a Call-ID of its own, and its final status. */
async function registers(desk: SimulatedPhone, contacts: readonly string[], lines: readonly string[] = []): Promise<number> {
  const sent = desk.sends("REGISTER", "sip:example.com", [
    ...[`From: <${desk.aor}>;tag=${randomText(4)}`, `To: <${desk.aor}>`, `Call-ID: ${randomText(6)}`, "CSeq: 1 REGISTER"],
    ...contacts.map((contact) => `Contact: ${contact}`),
    ...lines,
  ]);
  await scenario.world.settle();
  return sent.final;
}

/** Seconds that the last 200 has granted to the Contact of this user part. */
function granted(desk: SimulatedPhone, user: string): number {
  const contact = headers(desk.last(200, "REGISTER"), "contact").find((one) => one.includes(`sip:${user}@`)) ?? "";
  return Number(/;expires=(\d+)/.exec(contact)?.[1]);
}

setting("MINIMUM_EXPIRES", 10, 300, "a REGISTER for less draws 423 with it in Min-Expires", async (value) => {
  const { bob } = await staged({ MINIMUM_EXPIRES: value });
  expect(await registers(bob, ["<sip:x@x.invalid>"], [`Expires: ${value - 1}`])).toBe(423);
  expect(header(bob.last(423), "min-expires")).toBe(String(value));
  expect(await registers(bob, ["<sip:x@x.invalid>"], [`Expires: ${value}`])).toBe(200);
});

setting("DEFAULT_EXPIRES", 100, 3000, "a REGISTER that asks for nothing is granted so much", async (value) => {
  const { bob } = await staged({ DEFAULT_EXPIRES: value });
  expect([await registers(bob, ["<sip:x@x.invalid>"]), granted(bob, "x")]).toEqual([200, value]);
});

setting("MAXIMUM_EXPIRES", 1000, 100_000, "a REGISTER that asks for more is granted so much", async (value) => {
  const { bob } = await staged({ MAXIMUM_EXPIRES: value });
  expect([await registers(bob, ["<sip:x@x.invalid>"], ["Expires: 604800"]), granted(bob, "x")]).toEqual([200, value]);
});

/** bob's browser, which push notifications wake. */
async function wakeable(settings: Readonly<Record<string, number>>): Promise<Scenario> {
  const { parameters } = new WebPushDevice("https://8.8.8.8/push/bob");
  const staging = await staged(settings, { bob: { parameters, expires: 2_592_000 }, absent: ["bob"] });
  staging.world.pushService(() => 201);
  await staging.bob.comesOnline();
  return staging;
}

setting("PUSH_EXPIRES", 400, 2_000_000, "a phone that push notifications wake is registered for so long at most", async (value) => {
  const { bob, world } = await wakeable({ PUSH_EXPIRES: value });
  expect(granted(bob, "bob")).toBe(value);
  bob.leaves(1001);
  const registered = () => world.homeOf("bob").handle(async (instance) => (await instance.bindings()).length);
  await world.pass(value - 60);
  expect(await registered()).toBe(1);
  await world.pass(100);
  expect(await registered()).toBe(0);
});

setting("PUSH_WAIT", 10, 120, "a call waits so long for a phone that was woken", async (value) => {
  const { alice, bob, world } = await wakeable({ PUSH_WAIT: value });
  bob.leaves(1001);
  await world.pass(60);
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(value - 2);
  expect(alice.state).toBe("calling");
  await world.pass(4);
  expect(alice.state).toBe("ended 480");
});

setting("EXPIRES_SPREAD", 0, 0.5, "so much is taken off what is granted, at random", async (value) => {
  const { bob } = await staged({ EXPIRES_SPREAD: value });
  const times: number[] = [];
  for (let count = 0; count < 60; count += 1) {
    await registers(bob, ["<sip:x@x.invalid>"], ["Expires: 1000"]);
    times.push(granted(bob, "x"));
  }
  expect(Math.min(...times)).toBeGreaterThanOrEqual(1000 * (1 - value));
  expect(Math.min(...times)).toBeLessThanOrEqual(1000 * (1 - value * 0.7));
  expect(Math.max(...times)).toBeGreaterThanOrEqual(1000 * (1 - value * 0.3));
});

setting("MAXIMUM_CONTACTS", 2, 30, "a user has so many bindings at most: 403", async (value) => {
  const { bob } = await staged({ MAXIMUM_CONTACTS: value });
  for (let count = 1; count < value; count += 1) expect(await registers(bob, [`<sip:x${count}@x.invalid>`])).toBe(200);
  expect(await registers(bob, ["<sip:one-too-many@x.invalid>"])).toBe(403);
});

setting("LEASE_FACTOR", 2, 40, "the row of a binding is written again after so many refreshes, and not before", async (value) => {
  const { bob, world } = await staged({ LEASE_FACTOR: value });
  const rows = () => world.homeOf("bob").sql.rows("bindings");
  const before = JSON.stringify(rows());
  let refreshes = 0;
  for (; JSON.stringify(rows()) === before; refreshes += 1) {
    await world.pass(590);
    bob.registers();
    await world.settle();
  }
  expect(refreshes).toBeGreaterThanOrEqual(value - 1);
  expect(refreshes).toBeLessThanOrEqual(value + 1);
});

setting("FLOW_TIMER", 0, 3000, "outbound phones are asked for keep-alives so often, for 0 not at all", async (value) => {
  const { bob } = await staged({ FLOW_TIMER: value });
  expect(headers(bob.last(200, "REGISTER"), "flow-timer")).toEqual(value === 0 ? [] : [String(value)]);
});

setting("BINDING_GRACE", 5, 300, "a phone whose connection broke is waited for so long", async (value) => {
  const { alice, bob, world } = await staged({ BINDING_GRACE: value });
  bob.leaves(1006);
  await world.pass(value - 2);
  alice.invites(bob.aor);
  await world.settle();
  expect(alice.state).toBe("calling");
  await world.pass(4);
  expect(alice.state).toBe("ended 480");
});

setting("CLOSED_GRACE", 1, 60, "a phone that closed its connection itself is waited for so long", async (value) => {
  const { alice, bob, world } = await staged({ CLOSED_GRACE: value, BINDING_GRACE: 3600 });
  bob.leaves(1001);
  await world.pass(value - 1);
  alice.invites(bob.aor);
  await world.take(20);
  expect(alice.state).toBe("calling");
  await world.pass(3);
  expect(alice.state).toBe("ended 480");
});

setting("FLOW_LIFETIME", 120, 200_000, "an authenticated socket stays so for so long", async (value) => {
  const { alice, world } = await staged({ FLOW_LIFETIME: value });
  const asks = async () => {
    const sent = alice.asks("OPTIONS", "sip:example.com");
    await world.settle();
    return sent.final;
  };
  await world.pass(value - 10);
  expect(await asks()).toBe(200);
  await world.pass(20);
  expect(await asks()).toBe(407);
});

setting(
  "COPY_LIFETIME",
  60,
  20_000,
  "a home trusts its copy of the user's row so long, and a REGISTER then reads it anew",
  async (value) => {
    const { alice, bob, world } = await staged({ COPY_LIFETIME: value, FLOW_LIFETIME: 2_592_000 });
    world.changeRulesUnnoticed("bob", { doNotDisturb: true });
    const calls = async () => {
      bob.registers();
      await world.settle();
      alice.invites(bob.aor);
      await world.settle();
      return alice.state;
    };
    for (let passed = 0; passed < value - 50; passed += 500) {
      await world.pass(Math.min(500, value - 50 - passed));
      bob.registers();
      await world.settle();
    }
    expect(await calls()).toBe("hears ringing");
    alice.cancels();
    await world.pass(60);
    expect(await calls()).toBe("ended 486");
  },
);

setting("COPY_LAST_RESORT", 300, 200_000, "while D1 is down, what was read last counts so long", async (value) => {
  const { alice, bob, world } = await staged(
    { COPY_LAST_RESORT: value, FLOW_LIFETIME: 2_592_000, DEFAULT_EXPIRES: 604_800, MAXIMUM_EXPIRES: 604_800 },
    { bob: { expires: 604_800 } },
  );
  alice.invites(bob.aor);
  await world.settle();
  alice.cancels();
  await world.settle();
  world.loseDirectory();
  await world.pass(value - 20);
  alice.invites(bob.aor);
  await world.settle();
  expect(alice.state).toBe("hears ringing");
  alice.cancels();
  await world.pass(40);
  alice.invites(bob.aor);
  await world.settle();
  expect([alice.state, world.faults]).toEqual(["ended 503", []]);
});
