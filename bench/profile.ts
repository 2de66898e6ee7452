import { join } from "node:path";
import { WebSocket } from "ws";
import { bundle } from "../test/support/bundle.ts";
import { drive, type Operation, type Pair, operations } from "./load.ts";
import { startOffhook } from "./server.ts";
import { printTable } from "./table.ts";

export const inspectorPort = 9339;
const milliseconds = 6000;
/** Microseconds between two samples. */
const interval = 100;
const placesShown = Number(process.env["PLACES"] ?? 25);

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Taken {
  readonly profile: Profile;
  /** Operations meanwhile. */
  readonly count: number;
}

/** Prints for each operation (or those named) which functions the CPU time goes to: their own, and with all that they call. */
export async function benchProfile(names: readonly string[]): Promise<void> {
  for (const [name, operation] of Object.entries(operations))
    if (names.length === 0 || names.includes(name)) await profile(name, operation);
}

/** For each line of the bundle the source that it is from, as esbuild's comments say. */
async function sourcesOfLines(): Promise<string[]> {
  const text = await bundle(join(import.meta.dirname, "../workers/index.ts"));
  let source = "";
  return text.split("\n").map((line) => (source = /^\/\/ (\S+\.[jt]s)$/.exec(line)?.[1] ?? source));
}

async function profile(name: string, operation: Operation): Promise<void> {
  const { runtime, pairs, dress } = await startOffhook({ inspectorPort });
  await drive(operation, pairs, dress, 2000);
  const taken = await profileOf(async () => (await drive(operation, pairs, dress, milliseconds)).operations);
  end(pairs);
  await runtime.stop();
  await print(name, taken);
}

/** What a server on this machine does while something is done. @param work returns how many operations it did */
export async function profileOf(work: () => Promise<number>): Promise<Taken> {
  const [target] = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  if (target === undefined) throw new Error("the inspector shows no Worker");
  const inspector = await openInspector(target.webSocketDebuggerUrl);
  await inspector.ask("Profiler.enable");
  await inspector.ask("Profiler.setSamplingInterval", { interval });
  await inspector.ask("Profiler.start");
  const count = await work();
  const { profile: taken } = (await inspector.ask("Profiler.stop")) as { profile: Profile };
  inspector.close();
  return { profile: taken, count };
}

function end(pairs: readonly Pair[]): void {
  for (const { alice, bob } of pairs) for (const { socket } of [alice, bob]) socket.terminate();
}

/** The Chrome DevTools protocol, as far as a profile needs it. */
async function openInspector(url: string): Promise<{ ask: (method: string, params?: object) => Promise<unknown>; close: () => void }> {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 2 ** 30 });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  let last = 0;
  const waiting = new Map<number, (result: unknown) => void>();
  socket.on("message", (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString()) as { id?: number; result: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  return {
    ask: (method, params = {}) => {
      last += 1;
      socket.send(JSON.stringify({ id: last, method, params }));
      return new Promise((resolve) => waiting.set(last, resolve));
    },
    close: () => socket.terminate(),
  };
}

/** Prints which functions the time of an operation went to. */
export async function print(name: string, { profile: { nodes, samples, timeDeltas }, count }: Taken): Promise<void> {
  const sources = await sourcesOfLines();
  const nodeOf = new Map(nodes.map((node) => [node.id, node]));
  const own = new Map<number, number>();
  samples.forEach((id, index) => own.set(id, (own.get(id) ?? 0) + (timeDeltas[index] ?? 0)));
  const self = new Map<string, number>();
  const total = new Map<string, number>();
  const walk = (node: Node, above: ReadonlySet<string>): number => {
    const label = labelOf(node, sources);
    const within = new Set([...above, label]);
    const spent = own.get(node.id) ?? 0;
    const all = (node.children ?? []).reduce((sum, id) => sum + walk(nodeOf.get(id) as Node, within), spent);
    self.set(label, (self.get(label) ?? 0) + spent);
    if (!above.has(label)) total.set(label, (total.get(label) ?? 0) + all);
    return all;
  };
  const [root] = nodes;
  if (root !== undefined) walk(root, new Set());
  for (const [title, times] of [
    ["own time", self],
    ["with what it calls", total],
  ] as const) {
    const rows = [...times]
      .filter(([label]) => !label.startsWith("(idle)") && !label.startsWith("(root)"))
      .toSorted(([, first], [, second]) => second - first)
      .slice(0, placesShown)
      .map(([label, spent]) => [label, (spent / count).toFixed(1)]);
    printTable(`${name}: ${title}`, ["function", "µs an operation"], rows);
  }
}

function labelOf({ callFrame: { functionName, lineNumber } }: Node, sources: readonly string[]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  return lineNumber < 0 ? name : `${sources[lineNumber] ?? ""} ${name} ${lineNumber + 1}`;
}
