import { startServer, type Server } from "../test/support/server.ts";
import { cpuMicroseconds } from "./cpu.ts";
import { partyOf } from "./frames.ts";
import { connect, type End, register } from "./load.ts";
import { printTable } from "./table.ts";

const password = "offhook";
/** Users of one batch; the quietest batch counts. */
const perBatch = 40;
const batches = 4;
/** Milliseconds after which a home without events has left memory: the runtime's 10 s, and some more. */
const untilAsleep = 12_000;
const ways = ["direct", "general"] as const;
type Way = (typeof ways)[number];

/** CPU microseconds of one user's steps. */
interface Costs {
  readonly connection: number;
  readonly registration: number;
}

/** In milliseconds: the first REGISTER of a user, and that of a phone that is back at a sleeping home. */
const goals = { first: 2, directReturn: 0.8, generalReturn: 1.5, connection: 0.8 };

/**
 * Measures what users cost who were never here, and phones that come back when their home has left memory: a connection, and a REGISTER with
 * its challenge.
 * @returns whether every step kept within its goal
 */
export async function benchBirths(): Promise<boolean> {
  const names = Array.from({ length: ways.length * (batches + 1) * perBatch }, (_, index) => `n${index}`);
  const subscribers = names.map((username) => ({ domain: "localhost", username, password }));
  const server = await startServer({ bare: true, settings: { LOGGING: "false" }, subscribers });
  const rows: string[][] = [];
  let isReached = true;
  const show = (name: string, { connection, registration }: Costs, goal: number): void => {
    isReached &&= registration <= goal * 1000 && connection <= goals.connection * 1000;
    rows.push([name, inMilliseconds(connection), `${goals.connection}`, inMilliseconds(registration), `${goal}`]);
  };
  for (const [index, way] of ways.entries()) {
    const mine = names.slice((index * names.length) / ways.length, ((index + 1) * names.length) / ways.length);
    show(`a user's first phone, ${way} way`, await quietest(server, way, mine, 1), goals.first);
    await new Promise((resume) => setTimeout(resume, untilAsleep));
    show(`a phone that is back at a sleeping home, ${way} way`, await quietest(server, way, mine, 3), goals[`${way}Return`]);
  }
  await server.stop();
  const head = ["", "connection ms", "goal", "REGISTER ms", "goal"];
  printTable("CPU time of workerd for births and returns", head, rows);
  return isReached;
}

/** The first batch does not count. */
async function quietest(server: Server, way: Way, names: readonly string[], cseq: number): Promise<Costs> {
  const costs: Costs[] = [];
  for (let batch = 0; batch <= batches; batch += 1)
    costs.push(await measure(server, way, names.slice(batch * perBatch, (batch + 1) * perBatch), cseq));
  const least = (step: keyof Costs): number => Math.min(...costs.slice(1).map((one) => one[step]));
  return { connection: least("connection"), registration: least("registration") };
}

async function measure(server: Server, way: Way, names: readonly string[], cseq: number): Promise<Costs> {
  const ends: End[] = [];
  const connection = await cost(server, async () => {
    for (const name of names) ends.push(await connect(`${server.wsUrl}/ws${way === "direct" ? `/${name}@localhost` : ""}`, partyOf(name)));
  });
  const registration = await cost(server, async () => {
    for (const end of ends) await register(end, password, cseq);
  });
  for (const { socket } of ends) socket.terminate();
  return { connection: connection / names.length, registration: registration / names.length };
}

async function cost(server: Server, work: () => Promise<void>): Promise<number> {
  const before = cpuMicroseconds(server.pid());
  await work();
  return cpuMicroseconds(server.pid()) - before;
}

function inMilliseconds(microseconds: number): string {
  return (microseconds / 1000).toFixed(2);
}
