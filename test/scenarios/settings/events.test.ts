import { afterEach, expect, it } from "vitest";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { header } from "../../support/received-message.ts";
import { setting } from "../../support/setting.ts";
import { pidf, publishes, watch } from "../../support/watching.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function staged(
  settings: Readonly<Record<string, number>>,
  users: readonly string[] = [],
): Promise<Scenario & { desks: SimulatedPhone[] }> {
  const texts = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
  scenario = await startScenario({ settings: texts });
  for (const user of users) scenario.world.subscribe(user);
  const desks: SimulatedPhone[] = [];
  for (const user of users) desks.push(await scenario.joins(user));
  return { ...scenario, desks };
}

/** Bob's phone is gone for good; a user writes to him, and hears a final status. */
async function writes(desk: SimulatedPhone, body = "hello"): Promise<number> {
  const sent = desk.asks("MESSAGE", scenario.bob.aor, ["Content-Type: text/plain"], body);
  await scenario.world.settle();
  return sent.final;
}

setting("STORED_MESSAGES", 4, 200, "so many are stored for a user without a phone, of one sender a quarter", async (value) => {
  const { bob, world, desks } = await staged({ STORED_MESSAGES: value }, ["erin", "frank", "grace", "heidi", "ivan"]);
  bob.leaves();
  await world.pass(31);
  for (const desk of desks.slice(0, 4)) {
    for (let count = 0; count < value / 4; count += 1) expect(await writes(desk)).toBe(202);
    expect(await writes(desk)).toBe(480);
  }
  expect(await writes(desks[4] as SimulatedPhone)).toBe(480);
  await bob.comesOnline();
  expect(bob.all("MESSAGE")).toHaveLength(value);
});

setting("STORED_MESSAGE_SIZE", 99, 30_000, "a body is stored that is so long, and none that is longer: 513", async (value) => {
  const { alice, bob, world } = await staged({ STORED_MESSAGE_SIZE: value });
  bob.leaves();
  await world.pass(31);
  expect([await writes(alice, "x".repeat(value)), await writes(alice, "x".repeat(value + 1))]).toEqual([202, 513]);
});

setting("STORED_MESSAGE_AGE", 600, 1_209_600, "a message waits so long", async (value) => {
  for (const [late, count] of [
    [-60, 1],
    [60, 0],
  ] as const) {
    const { alice, bob, world } = await staged({ STORED_MESSAGE_AGE: value });
    bob.leaves();
    await world.pass(31);
    expect(await writes(alice)).toBe(202);
    await world.pass(value + late);
    await bob.comesOnline();
    expect(bob.all("MESSAGE")).toHaveLength(count);
    world.end();
  }
});

setting("MINIMUM_EVENT_EXPIRES", 10, 600, "a subscription or publication for less draws 423 with it in Min-Expires", async (value) => {
  const { alice, bob, world } = await staged({ MINIMUM_EVENT_EXPIRES: value });
  const short = watch(alice, bob.aor, "presence", [], value - 1);
  const long = watch(alice, bob.aor, "presence", [], value);
  const brief = publishes(bob, pidf(bob.aor, "open"), [`Expires: ${value - 1}`]);
  const enough = publishes(bob, pidf(bob.aor, "open"), [`Expires: ${value}`]);
  await world.settle();
  expect([short.status(), long.status(), brief.final, enough.final]).toEqual([423, 200, 423, 200]);
  expect([alice, bob].map((desk) => header(desk.last(423), "min-expires"))).toEqual([String(value), String(value)]);
});

it.each([
  [900, 7200, 900],
  [60, 300, 300],
  [60, 7200, 600],
])(
  "a publication that asks for no time has DEFAULT_EXPIRES, within MINIMUM_ and MAXIMUM_EVENT_EXPIRES: %d, %d",
  async (least, most, has) => {
    const { bob, world } = await staged({ MINIMUM_EVENT_EXPIRES: least, MAXIMUM_EVENT_EXPIRES: most });
    const sent = publishes(bob, pidf(bob.aor, "open"));
    await world.settle();
    expect(sent.final).toBe(200);
    expect(header(bob.last(200, "PUBLISH"), "expires")).toBe(String(has));
  },
);

setting("MAXIMUM_EVENT_EXPIRES", 600, 50_000, "a subscription or publication has so much at most", async (value) => {
  const { alice, bob, world } = await staged({ MAXIMUM_EVENT_EXPIRES: value });
  watch(alice, bob.aor, "presence", [], 604_800);
  publishes(bob, pidf(bob.aor, "open"), ["Expires: 604800"]);
  await world.settle();
  expect(header(alice.last(200, "SUBSCRIBE"), "expires")).toBe(String(value));
  expect(header(bob.last(200, "PUBLISH"), "expires")).toBe(String(value));
});

setting("MAXIMUM_WATCHERS", 2, 1010, "a user has so many subscriptions at most: 480", async (value) => {
  const users = Array.from({ length: Math.ceil((value + 1) / 20) }, (_none, index) => `watcher${index}`);
  const { bob, world, desks } = await staged({ MAXIMUM_WATCHERS: value }, users);
  const watchings = Array.from({ length: value }, (_none, index) => watch(desks[Math.floor(index / 20)] as SimulatedPhone, bob.aor));
  await world.settle();
  expect(watchings.filter(({ status }) => status() !== 200)).toEqual([]);
  const another = watch(desks.at(-1) as SimulatedPhone, bob.aor);
  await world.settle();
  expect(another.status()).toBe(480);
});

setting("MAXIMUM_PUBLICATIONS", 2, 30, "a user has so many publications at most: 403", async (value) => {
  const { bob, world } = await staged({ MAXIMUM_PUBLICATIONS: value });
  const sent = Array.from({ length: value + 1 }, () => publishes(bob, pidf(bob.aor, "open")));
  await world.settle();
  expect(sent.map(({ final }) => final)).toEqual([...Array<number>(value).fill(200), 403]);
});

setting("PUBLICATION_SIZE", 500, 40_000, "a document is taken that is so long, and none that is longer: 413", async (value) => {
  const { bob, world } = await staged({ PUBLICATION_SIZE: value });
  const empty = pidf(bob.aor, "open").replace("</presence>", "<note></note></presence>");
  const ofLength = (length: number) => empty.replace("<note>", `<note>${"x".repeat(length - empty.length)}`);
  const sent = [value, value + 1].map((length) => publishes(bob, ofLength(length)));
  await world.settle();
  expect(sent.map(({ final }) => final)).toEqual([200, 413]);
});
