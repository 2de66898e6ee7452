import { join } from "node:path";
import { bundle } from "../test/support/bundle.ts";
import { startRuntime, type Runtime } from "../test/support/runtime.ts";
import { startServer } from "../test/support/server.ts";
import { cpuMicroseconds } from "./cpu.ts";
import { partyOf } from "./frames.ts";
import { connect, drive, operations, register, type Dress, type Operation, type Pair } from "./load.ts";
import { printTable } from "./table.ts";

/** Offhook may cost so many times the CPU of a Worker that only moves the frames. */
const goal = 1.4;
const pairCount = 8;
/** All are measured in turns, and the quietest turn of each counts: others use the machine too. */
const turns = 15;
const turnMilliseconds = 400;
const password = "offhook";

interface Rival {
  readonly runtime: Runtime;
  readonly pairs: readonly Pair[];
  readonly dress: Dress;
}

interface Score {
  readonly microseconds: number;
  readonly perSecond: number;
}

/**
 * Measures Offhook and the floor in turns, on bare workerd processes, and prints the CPU time of workerd for one operation.
 * @returns whether every operation kept within the goal
 */
export async function benchServer(): Promise<boolean> {
  const floor = await startFloor();
  const offhook = await startOffhook();
  const rows: string[][] = [];
  let isReached = true;
  for (const [name, operation] of Object.entries(operations)) {
    const [least, ours] = await race(operation, [floor, offhook]);
    const ratio = ours.microseconds / least.microseconds;
    isReached &&= ratio <= goal;
    const numbers = [ours, least].flatMap((score) => [score.microseconds.toFixed(0), score.perSecond.toFixed(0)]);
    rows.push([name, ...numbers, ratio.toFixed(2), ratio <= goal ? "reached" : "MISSED"]);
  }
  for (const { pairs } of [floor, offhook]) for (const { alice, bob } of pairs) for (const { socket } of [alice, bob]) socket.terminate();
  await floor.runtime.stop();
  await offhook.runtime.stop();
  const head = ["", "Offhook µs", "per second", "floor µs", "per second", "ratio", `goal ${goal}`];
  printTable("CPU time of workerd for one operation, and operations per second beside the load generator", head, rows);
  return isReached;
}

/** In turns, after one that does not count. */
async function race(operation: Operation, rivals: readonly [Rival, Rival]): Promise<[Score, Score]> {
  const scores: [Score[], Score[]] = [[], []];
  for (let turn = 0; turn <= turns; turn += 1) {
    for (const lane of [0, 1] as const) {
      const score = await measure(operation, rivals[lane]);
      if (turn > 0) scores[lane].push(score);
    }
  }
  return [quietest(scores[0]), quietest(scores[1])];
}

async function measure(operation: Operation, { runtime, pairs, dress }: Rival): Promise<Score> {
  const before = cpuMicroseconds(runtime.pid());
  const done = await drive(operation, pairs, dress, turnMilliseconds);
  const spent = cpuMicroseconds(runtime.pid()) - before;
  return { microseconds: spent / done.operations, perSecond: (done.operations * 1000) / done.milliseconds };
}

function quietest(scores: readonly Score[]): Score {
  return {
    microseconds: Math.min(...scores.map(({ microseconds }) => microseconds)),
    perSecond: Math.max(...scores.map(({ perSecond }) => perSecond)),
  };
}

async function startFloor(): Promise<Rival> {
  const script = await bundle(join(import.meta.dirname, "floor/worker.ts"));
  const worker = { name: "floor", modules: true, script, compatibilityDate: "2026-11-01", compatibilityFlags: ["nodejs_compat"] };
  const durableObjects = { HOME: { className: "FloorHome", useSQLite: true } };
  const runtime = await startRuntime({ ...worker, durableObjects }, { bare: true });
  const pairs = await Promise.all(
    names().map(async ([alice, bob]) => ({
      alice: await connect(`${runtime.url.replace("http", "ws")}/ws/${alice}`, partyOf(alice)),
      bob: await connect(`${runtime.url.replace("http", "ws")}/ws/${bob}`, partyOf(bob)),
    })),
  );
  return { runtime, pairs, dress: (order, to, frame) => `${order}${to.user}|${frame}` };
}

/** Quiet, since the floor does not write logs either; on a dedicated connection, as the floor is. */
export async function startOffhook(options: { readonly inspectorPort?: number } = {}): Promise<Rival> {
  const subscribers = names()
    .flat()
    .map((username) => ({ domain: "localhost", username, password }));
  // A call's row goes a while after its end: while it is measured, as the floor's does, and not long after.
  const settings = { LOGGING: "false", TRANSACTION_TIMEOUT: "1" };
  const server = await startServer({ ...options, bare: true, settings, subscribers });
  const end = async (user: string) => {
    const opening = await connect(`${server.wsUrl}/ws`, partyOf(user));
    await register(opening, password, 1);
    opening.socket.terminate();
    const direct = await connect(`${server.wsUrl}/ws/${user}@localhost`, partyOf(user));
    await register(direct, password, 3);
    return direct;
  };
  const pairs: Pair[] = [];
  for (const [alice, bob] of names()) pairs.push({ alice: await end(alice), bob: await end(bob) });
  return { runtime: server, pairs, dress: (_order, _to, frame) => frame };
}

function names(): [string, string][] {
  return Array.from({ length: pairCount }, (_, index) => [`a${index}`, `b${index}`]);
}
