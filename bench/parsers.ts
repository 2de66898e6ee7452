import { Bench } from "tinybench";
import { contenders } from "./contenders.ts";
import { invite, ok, register } from "./messages.ts";
import { printTable } from "./table.ts";

/** "At least so many times as fast as that parser alone", which reading, altering and forwarding the INVITE must reach. */
const goals: readonly (readonly [contender: string, times: number])[] = [
  ["drachtio-sip", 3],
  ["JsSIP", 50],
  ["SIP.js", 500],
];

/** Calls in one measurement, so that reading the clock does not count. */
const batch = 20;

/** All are measured in turns, and the quietest turn of each counts: others use the machine too. */
const turns = 4;

const forwarding = "forward the INVITE";
const samples = [register, invite, ok];

/**
 * Measures all parsers in one run and prints microseconds for each message.
 * @returns whether the goals were reached
 */
export async function benchParsers(): Promise<boolean> {
  const sink = Buffer.alloc(8192);
  const bench = new Bench({ time: 100, warmupTime: 50 });
  for (const contender of contenders) {
    for (const { name, texts } of samples) add(bench, `${contender.name}: ${name}`, texts, contender.parse);
    const { forward } = contender;
    // Written to a buffer, as a socket does it: a text that is only strung together would be too cheap.
    if (forward !== undefined) add(bench, `${contender.name}: ${forwarding}`, invite.texts, (text) => sink.write(forward(text), "latin1"));
  }
  const measured = new Map<string, number>();
  for (let turn = 0; turn < turns; turn += 1) {
    await bench.run();
    for (const task of bench.tasks) measured.set(task.name, Math.min(medianOf(task), measured.get(task.name) ?? Number.POSITIVE_INFINITY));
  }
  printTable(
    "Parsers, microseconds for one message",
    ["", ...samples.map(({ name }) => name), forwarding],
    contenders.map(({ name }) => [
      name,
      ...[...samples.map((sample) => sample.name), forwarding].map((work) => inMicroseconds(measured.get(`${name}: ${work}`))),
    ]),
  );
  return compare(measured);
}

/** Prints our forwarding against each other parser alone, both on the INVITE. */
function compare(measured: ReadonlyMap<string, number>): boolean {
  const ours = measured.get(`Offhook: ${forwarding}`) ?? Number.NaN;
  const rows = goals.map(([contender, goal]) => {
    const times = (measured.get(`${contender}: ${invite.name}`) ?? Number.NaN) / ours;
    return { contender, goal, times, isReached: times >= goal };
  });
  printTable(
    "Reading, altering and forwarding the INVITE, against only parsing it",
    ["", "times as fast", "goal", ""],
    rows.map(({ contender, goal, times, isReached }) => [contender, times.toFixed(1), String(goal), isReached ? "reached" : "MISSED"]),
  );
  return rows.every(({ isReached }) => isReached);
}

function add(bench: Bench, name: string, texts: readonly string[], work: (text: string) => unknown): void {
  let turn = 0;
  bench.add(name, () => {
    for (let call = 0; call < batch; call += 1) {
      turn = (turn + 1) % texts.length;
      work(texts[turn] as string);
    }
  });
}

/** @returns microseconds for one call */
function medianOf(task: Bench["tasks"][number]): number {
  const { result } = task;
  if (!("latency" in result)) throw new Error(`${task.name} was not measured: ${JSON.stringify(result)}`);
  return (result.latency.p50 * 1000) / batch;
}

function inMicroseconds(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(value < 100 ? 2 : 0);
}
