import type { Phone } from "../test/support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../test/support/server-under-test.ts";
import { pidf } from "../test/support/watching.ts";
import { printTable } from "./table.ts";

const crowds = [10, 100, 1000, 10_000];
/** Subscriptions that one watcher may have to one user. */
const each = 20;
/** How much more a watcher may cost among many than among few. */
const goal = 2;
const rounds = 3;

/**
 * Measures how long it takes until all watchers of a user are told of a change, and how long a caller of the same user waits for
 * ringing meanwhile.
 * @returns whether a watcher costs the same however many there are
 */
export async function benchPresence(): Promise<boolean> {
  const serverUnderTest = await startServerUnderTest({ settings: { MAXIMUM_WATCHERS: "10000", LOGGING: "false", TRACE_LENGTH: "0" } });
  const caller = await serverUnderTest.register(await serverUnderTest.newcomer("caller"), "direct");
  const watchers: Phone[] = [];
  const costs: number[] = [];
  const rows: string[][] = [];
  for (const crowd of crowds) {
    while (watchers.length < Math.ceil(crowd / each))
      watchers.push(await serverUnderTest.register(await serverUnderTest.newcomer("watcher"), "direct", { isTrusting: true }));
    const { all, ringing } = await measure(serverUnderTest, watchers, crowd, caller);
    costs.push((all * 1000) / crowd);
    rows.push([String(crowd), all.toFixed(0), ((all * 1000) / crowd).toFixed(0), ringing.toFixed(1)]);
  }
  await serverUnderTest.close();
  printTable("Watchers told of a change", ["watchers", "all told after ms", "µs each", "a call rings meanwhile after ms"], rows);
  const [, , thousand = 0, most = 0] = costs;
  return most <= thousand * goal;
}

async function measure(
  serverUnderTest: ServerUnderTest,
  watchers: readonly Phone[],
  crowd: number,
  caller: Phone,
): Promise<{ all: number; ringing: number }> {
  const bob = await serverUnderTest.register(await serverUnderTest.newcomer("bob"), "direct");
  const mine = watchers.slice(0, Math.ceil(crowd / each));
  for (const [index, watcher] of mine.entries()) {
    const count = Math.min(each, crowd - index * each);
    for (let number = 0; number < count; number += 1) watcher.request("SUBSCRIBE", bob.aor, { headers: events });
    for (let number = 0; number < count; number += 1) watcher.reply(await watcher.next("NOTIFY"), 200);
  }
  const all: number[] = [];
  const ringing: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const activity = ["busy", "away", "meeting"][round] ?? "busy";
    const start = performance.now();
    bob.request("PUBLISH", bob.aor, {
      headers: [...events, ["Content-Type", "application/pidf+xml"]],
      body: pidf(bob.aor, "open", activity),
    });
    const told = mine.map((watcher, index) => hears(watcher, activity, Math.min(each, crowd - index * each)));
    ringing.push(await rings(caller, bob));
    await Promise.all(told);
    all.push(performance.now() - start);
  }
  return { all: median(all), ringing: median(ringing) };
}

const events: readonly (readonly [string, string])[] = [
  ["Event", "presence"],
  ["Expires", "600"],
];

async function hears(watcher: Phone, text: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1)
    watcher.reply(
      await watcher.next((message) => message.method === "NOTIFY" && message.body.includes(text), { milliseconds: 60_000 }),
      200,
    );
}

/** Milliseconds until a caller hears that it rings. */
async function rings(caller: Phone, bob: Phone): Promise<number> {
  const start = performance.now();
  const sent = caller.request("INVITE", bob.aor);
  const invite = await bob.next("INVITE");
  bob.reply(invite, 180);
  await caller.next(180);
  const milliseconds = performance.now() - start;
  bob.reply(invite, 486);
  caller.ackRefusal(sent, await caller.finalResponse(sent));
  return milliseconds;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0;
}
