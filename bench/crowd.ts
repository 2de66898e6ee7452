import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { startServer, type Server } from "../test/support/server.ts";
import { cpuMicroseconds } from "./cpu.ts";
import { partyOf } from "./frames.ts";
import { connect, drive, operations, register, type End, type Operation, type Pair } from "./load.ts";
import { printTable } from "./table.ts";

/** Users with a phone, of whom a few do something. */
const users = Number(process.env["CROWD"] ?? 10_000);
const activePairs = 50;
const password = "offhook";
/** How much dearer an operation may be among all of them. */
const goal = 1.2;
const turns = 8;
const turnMilliseconds = 500;
/** Milliseconds after which a home without events has left memory. */
const untilAsleep = 12_000;
const atOnce = 50;

/**
 * Measures what an operation of a hundred users costs alone, and among thousands whose phones are idle; and what an idle phone costs.
 * @returns whether the cost stays the same
 */
export async function benchCrowd(): Promise<boolean> {
  const server = await startServer({ bare: true, settings: { LOGGING: "false", TRANSACTION_TIMEOUT: "1" } });
  const names = Array.from({ length: users }, (_, index) => `u${index}`);
  const active = await phones(server, names.slice(0, 2 * activePairs));
  const pairs = Array.from({ length: activePairs }, (_, index) => ({ alice: active[2 * index] as End, bob: active[2 * index + 1] as End }));
  const alone = await costs(server, pairs);
  const before = { memory: memoryOf(server.pid()), disk: diskOf(server.storage) };
  await phones(server, names.slice(2 * activePairs));
  await new Promise((resume) => setTimeout(resume, untilAsleep));
  const idle = users - 2 * activePairs;
  const perPhone = { memory: (memoryOf(server.pid()) - before.memory) / idle, disk: (diskOf(server.storage) - before.disk) / idle };
  const among = await costs(server, pairs);
  const rows = alone.map(({ name, microseconds }, index) => {
    const later = among[index]?.microseconds ?? Number.NaN;
    return [
      name,
      microseconds.toFixed(0),
      later.toFixed(0),
      (later / microseconds).toFixed(2),
      later <= goal * microseconds ? "reached" : "MISSED",
    ];
  });
  printTable("CPU time of one operation of 100 users", ["", "alone µs", `of ${users} µs`, "ratio", `goal ${goal}`], rows);
  printTable("An idle phone", ["KiB of memory", "KiB on disk"], [[perPhone.memory.toFixed(1), perPhone.disk.toFixed(1)]]);
  await server.kill9();
  await server.stop();
  return rows.every((row) => row.at(-1) === "reached");
}

/** Registered phones, each on a dedicated connection. */
async function phones(server: Server, names: readonly string[]): Promise<End[]> {
  const ends: End[] = [];
  for (let at = 0; at < names.length; at += atOnce)
    ends.push(...(await Promise.all(names.slice(at, at + atOnce).map((name) => phone(server, name)))));
  return ends;
}

async function phone(server: Server, name: string): Promise<End> {
  await server.provision({ domain: "localhost", username: name, password });
  const opening = await connect(`${server.wsUrl}/ws`, partyOf(name));
  await register(opening, password, 1);
  opening.socket.terminate();
  const direct = await connect(`${server.wsUrl}/ws/${name}@localhost`, partyOf(name));
  await register(direct, password, 3);
  return direct;
}

async function costs(server: Server, pairs: readonly Pair[]): Promise<{ readonly name: string; readonly microseconds: number }[]> {
  const found = [];
  for (const [name, operation] of Object.entries(operations)) found.push({ name, microseconds: await quietest(server, pairs, operation) });
  return found;
}

/** The first turn does not count. */
async function quietest(server: Server, pairs: readonly Pair[], operation: Operation): Promise<number> {
  const measured: number[] = [];
  for (let turn = 0; turn <= turns; turn += 1) {
    const before = cpuMicroseconds(server.pid());
    const done = await drive(operation, pairs, (_order, _to, frame) => frame, turnMilliseconds);
    measured.push((cpuMicroseconds(server.pid()) - before) / done.operations);
  }
  return Math.min(...measured.slice(1));
}

/** KiB in memory. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}

/** KiB in a folder. */
function diskOf(folder: string): number {
  return Number(execFileSync("du", ["-sk", folder], { encoding: "utf8" }).split("\t")[0]);
}
