import { afterAll, beforeAll, expect, it } from "vitest";
import { SimulatedPhone, type DeskOptions } from "../support/simulated-phone.ts";
import { mulberry32 } from "../support/random.ts";
import { startServerUnderTest, type ServerUnderTest, ways } from "../support/server-under-test.ts";
import { becomes, wireNetwork } from "../support/wire-network.ts";

/** What two phones are in the middle of when the power goes. */
interface Pair {
  readonly name: string;
  readonly caller: SimulatedPhone;
  readonly callee: SimulatedPhone;
}

/** A server with its phones. */
interface Deployment {
  readonly serverUnderTest: ServerUnderTest;
  readonly pairs: readonly Pair[];
}

const rounds = 100;
/** Milliseconds, an upper bound: they take three minutes on a machine that does nothing else. */
const roundsTimeout = 1_800_000;
/** So many servers at a time: while the phones of one wait, those of another act. */
const servers = 2;
const seed = Number(process.env["POWER_CUT_SEED"] ?? Date.now() % 1_000_000);
let deployments: readonly Deployment[];

beforeAll(async () => {
  deployments = await Promise.all(Array.from({ length: servers }, settle));
});
afterAll(async () => {
  for (const { pairs } of deployments) for (const { caller, callee } of pairs) for (const desk of [caller, callee]) desk.leaves();
  await Promise.all(deployments.map(({ serverUnderTest }) => serverUnderTest.close()));
});

async function settle() {
  const serverUnderTest = await startServerUnderTest({ settings: { CALLER_GRACE: "1", TRANSACTION_TIMEOUT: "10" } });
  const phones: DeskOptions[] = [{}, { manners: "forgets", userAgent: "JsSIP 3.13.8" }];
  const made = ways.flatMap((way) => phones.flatMap((caller) => phones.map((callee) => meet(serverUnderTest, way, caller, callee))));
  return { serverUnderTest, pairs: await Promise.all(made) };
}

async function meet(serverUnderTest: ServerUnderTest, way: (typeof ways)[number], caller: DeskOptions, callee: DeskOptions): Promise<Pair> {
  const network = wireNetwork(serverUnderTest.server, way);
  const [alice, bob] = [
    new SimulatedPhone(network, await serverUnderTest.newcomer("alice"), caller),
    new SimulatedPhone(network, await serverUnderTest.newcomer("bob"), callee),
  ];
  await Promise.all([alice.comesOnline(), bob.comesOnline()]);
  return { name: `${way}, ${caller.manners ?? "keeps"} calls ${callee.manners ?? "keeps"}`, caller: alice, callee: bob };
}

/** One user does something that can be done now. */
function act({ caller, callee }: Pair, random: () => number): void {
  const call = callee.calls.find(({ id }) => id === caller.calls.at(-1)?.id);
  if (random() < 0.2) return (random() < 0.5 ? caller : callee).registers();
  if (caller.state === "idle" || caller.state.startsWith("ended")) caller.invites(callee.aor);
  else if (callee.state === "ringing" && caller.state === "hears ringing" && random() < 0.4) callee.answers();
  else if (callee.state === "ringing" && random() < 0.1) callee.rejects(486);
  else if (caller.state === "talking" && call?.isAcknowledged === true && random() < 0.3) (random() < 0.5 ? caller : callee).hangsUp();
}

/** Goes on until the call rings, or is answered: on a slow machine the power would hardly ever go in the middle of one. */
async function reach(pair: Pair, goal: "hears ringing" | "talking"): Promise<void> {
  const { caller, callee } = pair;
  const isThere = () =>
    caller.state === goal && (goal === "hears ringing" ? callee.state === "ringing" : callee.call.isAcknowledged === true);
  await becomes(() => {
    if (isThere()) return true;
    if (caller.state === "idle" || caller.state.startsWith("ended")) caller.invites(callee.aor);
    else if (goal === "talking" && caller.state === "hears ringing" && callee.state === "ringing") callee.answers();
    else if (goal === "hears ringing" && caller.state === "talking" && callee.state === "talking") caller.hangsUp();
    return false;
  }, `${pair.name}: ${goal}`);
}

/** The two phones agree on what has become of the call; one that nobody had answered may have gone down with its socket. */
function agree({ caller, callee }: Pair): boolean {
  const call = caller.calls.at(-1);
  const other = callee.calls.findLast(({ id, state }) => id === call?.id && state !== "forgotten");
  if (call === undefined) return true;
  const isOver = other === undefined || other.state.startsWith("ended");
  if (call.state === "hears ringing") return other?.state === "ringing";
  if (call.state === "talking") return other?.state === "talking" && other.isAcknowledged;
  if (call.state === "calling") return call.invite?.provisional === 0 && isOver;
  return isOver;
}

/**
 * What was ringing is answered, what was answered is ended, and both ends know. A caller who was away for longer than CALLER_GRACE has given
 * the call up: on a slow machine the answer crosses its CANCEL, and the call ends at both ends.
 */
async function complete(pair: Pair, random: () => number): Promise<void> {
  const { caller, callee } = pair;
  if (caller.state === "hears ringing") {
    callee.answers();
    const isAnswered = () => caller.state === "talking" && callee.call.isAcknowledged;
    const isGivenUp = () => caller.state === "ended 487" && callee.state.startsWith("ended");
    await becomes(() => isAnswered() || isGivenUp(), `${pair.name}: the answer`);
  }
  if (caller.state !== "talking") return;
  (random() < 0.5 ? caller : callee).hangsUp();
  await becomes(() => caller.state === "ended by bye" && callee.state === "ended by bye", `${pair.name}: the end`);
}

/** What is lost: all, with the runtime; or at random the memory of homes, and the sockets of phones. */
type Loss = (of: Deployment, random: () => number) => Promise<void>;

const cutPower: Loss = async ({ serverUnderTest: { server } }) => {
  await server.kill9();
  await server.restart();
};

const loseHere: Loss = async ({ serverUnderTest: { server }, pairs }, random) => {
  for (const phone of pairs.flatMap(({ caller, callee }) => [caller, callee])) {
    const kind = random();
    if (kind < 0.5) await server.evict(`sip:${phone.account}@localhost#1`, "hibernate");
    if (kind > 0.25 && kind < 0.75) phone.isCut();
  }
};

/** The phones act, something is lost, and what they were in the middle of goes on; counts what that was. */
async function goThrough(at: number, round: number, lose: Loss, random: () => number, met: Record<string, number>): Promise<void> {
  const deployment = deployments[at] as Deployment;
  const { pairs } = deployment;
  const [kept, ...busy] = pairs;
  for (let deeds = 0; deeds < 12; deeds += 1) {
    for (const pair of busy) if (random() < 0.6) act(pair, random);
    await new Promise((resume) => setTimeout(resume, random() * 8));
  }
  // In each second round one of them is in the middle of a call, however slow the machine is.
  // An INVITE that went down with its connection is never answered: phones on WebSockets do not send it again. So one pair is kept from it.
  const one = busy.filter(({ caller }) => caller.state !== "calling").at(round % 3) ?? kept;
  if (one !== undefined && round % 4 === 1) await reach(one, "hears ringing");
  if (one !== undefined && round % 4 === 3) await reach(one, "talking");
  for (const { caller, callee } of pairs) {
    const state = `${caller.state}, ${callee.state}`;
    met[state] = (met[state] ?? 0) + 1;
  }
  await lose(deployment, random);
  await becomes(() => pairs.every(({ caller, callee }) => caller.isRegistered && callee.isRegistered), "everybody's return");
  for (const pair of pairs) {
    const where = `seed ${seed}, server ${at}, round ${round}, ${pair.name}, ${lose === cutPower ? "power" : "here"}: `;
    await becomes(() => agree(pair), where).catch((error: unknown) => {
      const call = pair.callee.calls.findLast(({ id }) => id === pair.caller.calls.at(-1)?.id);
      throw new Error(`${where}${pair.caller.state} and ${call?.state}`, { cause: error });
    });
    await complete(pair, random);
  }
}

/** One server, again and again. Between the power cuts, too, something is lost. */
async function loseAgainAndAgain(at: number, met: Record<string, number>): Promise<void> {
  const random = mulberry32(seed + at);
  for (let round = 1; round <= rounds / servers; round += 1) {
    for (const lose of round % 2 === 0 ? [cutPower, loseHere] : [cutPower]) await goThrough(at, round, lose, random, met);
  }
}

interface WrittenRecord {
  readonly call_id: string;
  readonly outcome: string;
  readonly status: number;
  readonly ended_by: string;
}

/** The records of a user's calls. */
async function recordsOf({ server }: ServerUnderTest, user: string): Promise<readonly WrittenRecord[]> {
  const response = await server.api("GET", `/domains/localhost/calls?limit=1000&user=${user}`);
  return ((await response.json()) as { readonly calls: readonly WrittenRecord[] }).calls;
}

/** What the records of a caller's calls do not say as its phone does: each call that the server took over has one. */
function wrongRecords({ name, caller, callee }: Pair, records: readonly WrittenRecord[]): string[] {
  return caller.calls.flatMap(({ id, invite, dialog, hasHungUp }) => {
    const [record, ...more] = records.filter(({ call_id: callId }) => callId === id);
    const isTaken = (invite?.provisional ?? 0) > 0 || (invite?.final ?? 0) > 0;
    if (record === undefined) return isTaken ? [`${name}: ${id} has no record`] : [];
    const ends = [hasHungUp === true ? "caller" : "", callee.calls.some((one) => one.id === id && one.hasHungUp === true) ? "callee" : ""];
    const isRight = dialog === undefined || (record.outcome === "answered" && ends.includes(record.ended_by));
    return more.length === 0 && isRight ? [] : [`${name}: ${id} has ${JSON.stringify([record, ...more])}, ended by ${ends.join()}`];
  });
}

it(
  `${rounds} power cuts, and losses of memory and connections between them, lose no registration, no call, and no record of one`,
  async () => {
    const met: Record<string, number> = {};
    await Promise.all(deployments.map((_town, at) => loseAgainAndAgain(at, met)));
    console.log(`the losses (seed ${seed}) came while the phones were:\n${JSON.stringify(met, null, 2)}`);
    let calls = 0;
    for (const { serverUnderTest, pairs } of deployments) {
      for (const pair of pairs) {
        calls += pair.caller.calls.length;
        // A home that still has a record to store does so when a phone comes back.
        pair.callee.isCut();
        const wrong = async () => wrongRecords(pair, await recordsOf(serverUnderTest, pair.caller.account));
        await expect.poll(wrong).toEqual([]);
      }
    }
    console.log(`${calls} calls have their records`);
    expect(Object.keys(met)).toEqual(expect.arrayContaining(["hears ringing, ringing", "talking, talking"]));
  },
  roundsTimeout,
);
