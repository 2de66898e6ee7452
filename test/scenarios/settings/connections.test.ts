import { afterEach, beforeEach, expect, vi } from "vitest";
import { NextHop } from "../../../durable-objects/next-hop.ts";
import { hopName } from "../../../lib/routing/hop-name.ts";
import type { RequestEnvelope } from "../../../lib/transport/envelope.ts";
import type { Environment } from "../../../platform/environment.ts";
import { compose, newBranch } from "../../support/compose.ts";
import { setting } from "../../support/setting.ts";
import { closeSockets, sockets } from "../world/cloudflare-sockets.ts";
import { simulatedDirectory } from "../world/database.ts";

/** The platform's way to other servers leads to this one. */
interface Server {
  readonly heard: string[];
  isReachable: boolean;
  isClosed: boolean;
}
let server: Server;
beforeEach(() => {
  sockets.connect = () => socketTo(server);
});
afterEach(() => {
  closeSockets();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** It answers OPTIONS with 200 and is silent to all else. */
function socketTo(to: Server): object {
  let answers: ReadableStreamDefaultController<Uint8Array> | undefined;
  const write = (octets: Uint8Array) => {
    const text = Buffer.from(octets).toString("latin1");
    to.heard.push(text);
    const lines = text.split("\r\n").filter((line: string) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
    if (text.startsWith("OPTIONS ")) answers?.enqueue(new TextEncoder().encode(compose("SIP/2.0 200 OK", lines)));
  };
  return {
    opened: to.isReachable ? Promise.resolve({ localAddress: "192.0.2.1:5060" }) : Promise.reject(new Error("unreachable")),
    readable: new ReadableStream<Uint8Array>({ start: (controller) => void (answers = controller) }),
    writable: new WritableStream<Uint8Array>({ write }),
    close: async () => void (to.isClosed = true),
  };
}

const there = { transport: "tcp", host: "198.51.100.7", address: "198.51.100.7", port: 5060 } as const;
const trunk = {
  ...{ domain: "example.com", name: "line", servers: [{ uri: "sip:198.51.100.7;transport=tcp", priority: 1, weight: 1 }] },
  ...{ username: "offhook", password: "of the trunk", register: true, inbound: true, prefixes: [], trusted: false },
};

/** The object that has the connection to the server, and its alarm. */
function hop(settings: Readonly<Record<string, number>>, isOfTrunk = false) {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"], now: Date.UTC(2026, 0, 1) });
  vi.spyOn(console, "error").mockReturnValue(undefined);
  server = { heard: [], isReachable: true, isClosed: false };
  const directory = simulatedDirectory();
  directory.run("INSERT INTO domains (name, created_at) VALUES (?, 0)", trunk.domain);
  directory.run("INSERT INTO trunks (domain, name, settings) VALUES (?, ?, ?)", trunk.domain, trunk.name, JSON.stringify(trunk));
  const kept = new Map<string, unknown>();
  const object = { alarm: null as number | null };
  const storage = {
    get: async (name: string) => kept.get(name),
    put: async (name: string, value: unknown) => void kept.set(name, value),
    delete: async (name: string) => kept.delete(name),
    getAlarm: async () => object.alarm,
    setAlarm: async (at: number) => void (object.alarm = at),
  };
  const environment = {
    ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)])),
    ...{ SEAL_KEYS: Buffer.alloc(32, 7).toString("base64"), DIRECTORY: directory.database },
  };
  const id = { name: hopName(there, isOfTrunk ? `${trunk.name}@${trunk.domain}` : "") };
  const nextHop = new NextHop({ id, storage } as unknown as DurableObjectState, environment as unknown as Environment);
  return { nextHop, object };
}

async function carriesMessage(nextHop: NextHop): Promise<void> {
  const envelope: RequestEnvelope = {
    kind: "request",
    text: compose("MESSAGE sip:bob@198.51.100.7 SIP/2.0", [
      ...[`Via: SIP/2.0/WSS x.invalid;branch=${newBranch()}`, "Max-Forwards: 69", "From: <sip:alice@example.com>;tag=1"],
      ...["To: <sip:bob@198.51.100.7>", "Call-ID: one", "CSeq: 1 MESSAGE"],
    ]),
    answerTo: { home: "sip:alice@example.com#1", flow: "12345678", phone: "p" },
    transaction: "one",
    identity: "alice@example.com",
    to: { kind: "address", instance: undefined, registration: undefined },
    recordRoute: undefined,
  };
  const sent = nextHop.deliver([envelope]);
  // Streams take their turns.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resume) => setImmediate(resume));
  expect(await sent).toEqual([{ kind: "taken" }]);
  expect(server.heard.at(-1)).toMatch(/^MESSAGE /);
}

const passes = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

setting("HOP_IDLE_TIME", 5, 600, "a connection that no call is on is closed after so long", async (value) => {
  const { nextHop } = hop({ HOP_IDLE_TIME: value, TRANSACTION_TIMEOUT: 1 });
  await carriesMessage(nextHop);
  await passes(value - 1);
  expect(server.isClosed).toBe(false);
  await passes(2);
  expect(server.isClosed).toBe(true);
});

setting("HOP_KEEP_ALIVE", 5, 600, "a keep-alive goes out so often", async (value) => {
  const { nextHop } = hop({ HOP_KEEP_ALIVE: value, HOP_IDLE_TIME: 86_400 });
  await carriesMessage(nextHop);
  const keepAlives = () => server.heard.filter((text) => text === "\r\n\r\n").length;
  await passes(value - 1);
  expect(keepAlives()).toBe(0);
  await passes(2);
  expect(keepAlives()).toBe(1);
  await passes(value * 3);
  expect(keepAlives()).toBe(4);
});

/** Seconds until a trunk is tried again that has failed so often in a row. */
async function waitAfter(failures: number, settings: Readonly<Record<string, number>>): Promise<number> {
  const { nextHop, object } = hop(settings, true);
  server.isReachable = false;
  await nextHop.keep("registers");
  let wait = 0;
  for (let count = 0; count < failures; count += 1) {
    vi.setSystemTime(object.alarm ?? 0);
    object.alarm = null;
    await nextHop.alarm();
    wait = ((object.alarm ?? 0) - Date.now()) / 1000;
  }
  return wait;
}

setting("RECONNECT_TIME", 5, 600, "a trunk that cannot be reached is tried again after so long, or half of it", async (value) => {
  const wait = await waitAfter(1, { RECONNECT_TIME: value });
  expect([wait >= value / 2, wait <= value]).toEqual([true, true]);
});

setting("MAXIMUM_RECONNECT_TIME", 60, 20_000, "the wait grows to so long, or half of it, with each failure", async (value) => {
  const wait = await waitAfter(20, { MAXIMUM_RECONNECT_TIME: value });
  expect([wait >= value / 2, wait <= value]).toEqual([true, true]);
});
