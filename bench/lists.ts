import { listLines, readNotice, tableOf } from "../test/support/list-watching.ts";
import type { ReceivedMessage } from "../test/support/received-message.ts";
import type { Phone } from "../test/support/phone.ts";
import { startServerUnderTest } from "../test/support/server-under-test.ts";
import { printTable } from "./table.ts";

const sizes = [10, 50, 200, 500];
/** Milliseconds after which a watcher of 200 knows all states, and after which he hears of a change: those are gathered, twice. */
const goalForAll = 1000;
const goalForChange = 1000;
const rounds = 3;

/**
 * Measures how long a phone waits for the states of a list (RFC 4662), and for a change of one of its resources.
 * @returns whether 200 are known, and a change is told, in time
 */
export async function benchLists(): Promise<boolean> {
  const serverUnderTest = await startServerUnderTest({ settings: { LOGGING: "false", TRACE_LENGTH: "0" } });
  const buddies: string[] = [];
  const rows: string[][] = [];
  let isReached = true;
  for (const size of sizes) {
    while (buddies.length < size) {
      const account = await serverUnderTest.newcomer("buddy");
      (await serverUnderTest.register(account, "general")).socket.close();
      buddies.push(account);
    }
    const watcher = await serverUnderTest.register(await serverUnderTest.newcomer("watcher"), "direct");
    const entries = buddies.map((account) => ({ uri: `sip:${account}@localhost` }));
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${watcher.account}/lists/friends`, { entries });
    const start = performance.now();
    const heard = await subscribes(watcher, size);
    const all = performance.now() - start;
    const changes: number[] = [];
    for (const account of buddies.slice(0, rounds)) {
      const buddy = await serverUnderTest.register(account, "general");
      changes.push(await hears(watcher, ">open<"));
      buddy.socket.close();
      await hears(watcher, ">closed<");
    }
    const change = changes.sort((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0;
    isReached = isReached && (size > 200 || all < goalForAll) && change < goalForChange;
    const octets = heard.reduce((sum, { body }) => sum + body.length, 0);
    rows.push([String(size), all.toFixed(0), String(heard.length), (octets / 1024).toFixed(0), change.toFixed(0)]);
  }
  await serverUnderTest.close();
  printTable("A list is watched", ["resources", "all known after ms", "notifications", "KiB", "a change is told after ms"], rows);
  return isReached;
}

/** All notifications until the state of every resource is known. */
async function subscribes(watcher: Phone, size: number): Promise<ReceivedMessage[]> {
  watcher.request("SUBSCRIBE", `sip:list.friends.${watcher.account}@localhost`, {
    headers: [["Event", "presence"], ["Expires", "600"], ...listLines.map((line) => line.split(": ") as [string, string])],
  });
  const heard: ReceivedMessage[] = [];
  const known = () => Object.values(tableOf(heard) ?? {}).filter((state) => state === "active closed").length;
  while (known() < size) {
    const notify = await watcher.next("NOTIFY", { milliseconds: 60_000 });
    watcher.reply(notify, 200);
    heard.push(notify);
  }
  return heard;
}

/** Milliseconds until a partial document has this in it. */
async function hears(watcher: Phone, text: string): Promise<number> {
  const start = performance.now();
  const notify = await watcher.next((message) => message.body.includes(text));
  watcher.reply(notify, 200);
  if (readNotice(notify).isFull) throw new Error("a change was told in full");
  return performance.now() - start;
}
