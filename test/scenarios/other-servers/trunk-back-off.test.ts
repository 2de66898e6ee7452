import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type MonitoredTrunk, TrunkMonitor } from "../../../durable-objects/next-hop/trunk-monitor.ts";
import { UnavailableServers } from "../../../platform/unavailable-servers.ts";
import type { TrunkRegistration } from "../../../durable-objects/next-hop/trunk-registration.ts";
import type { Trunk } from "../../../lib/routing/trunk.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1) }));
afterEach(() => vi.useRealTimers());

/** What outlives a sleep: the storage of an object whose server cannot be reached. */
function unreachable() {
  const object = { kept: new Map<string, unknown>(), alarm: null as number | null, told: [] as unknown[] };
  const storage = {
    get: async (name: string) => object.kept.get(name),
    put: async (name: string, value: unknown) => void object.kept.set(name, value),
    delete: async (name: string) => object.kept.delete(name),
    getAlarm: async () => object.alarm,
    setAlarm: async (at: number) => void (object.alarm = at),
  } as unknown as DurableObjectStorage;
  const servers = [{ uri: "sip:pbx.example", priority: 1, weight: 1 }];
  const trunk = { servers, register: true, username: "offhook", password: "secret" } as unknown as Trunk;
  const cared: MonitoredTrunk = {
    ...{
      name: "hop|tcp|pbx.example|5060|192.0.2.1|trunk@example.com",
      storage,
      times: { base: 30_000, most: 1_800_000 },
      unavailableServers: new UnavailableServers(),
    },
    ...{ trunk: async () => trunk, open: async () => undefined, isOpen: () => false, rest: () => undefined },
    ...{ redirect: async () => undefined, endRedirect: async () => undefined, tellOutcome: async () => undefined },
    ...{ usualRole: async () => "registers", passOn: async () => undefined, release: async () => undefined },
    announce: (_trunk, fault) => object.told.push(fault),
    forgetFaults: () => object.told.push("forgotten"),
  };
  return Object.assign(object, { cared });
}

it("the wait before a trunk is tried again doubles with each failure, though its object sleeps meanwhile (RFC 5626 §4.5)", async () => {
  const object = unreachable();
  const waits: number[] = [];
  for (let failure = 0; failure < 8; failure += 1) {
    const began = Date.now();
    object.alarm = null;
    await new TrunkMonitor(object.cared, {} as TrunkRegistration).alarm();
    waits.push((object.alarm ?? 0) - began);
    vi.setSystemTime(object.alarm ?? 0);
  }
  expect(Math.max(...waits.slice(0, 1))).toBeLessThanOrEqual(30_000);
  expect(Math.min(...waits.slice(6))).toBeGreaterThan(600_000);
});

it("a server that does not register us is told of once, although its object sleeps, and again when it does", async () => {
  const object = unreachable();
  const registers = { register: async () => ({ kind: "registered", granted: 600, contact: "sip:x" }) } as unknown as TrunkRegistration;
  for (let failure = 0; failure < 3; failure += 1) {
    await new TrunkMonitor(object.cared, registers).alarm();
    vi.setSystemTime(object.alarm ?? 0);
    object.alarm = null;
  }
  expect(object.told).toEqual(["registration"]);
  const reachable = { ...object.cared, open: async () => ({}) as Awaited<ReturnType<MonitoredTrunk["open"]>> };
  for (let time = 0; time < 2; time += 1) {
    await new TrunkMonitor(reachable, registers).alarm();
    vi.setSystemTime(Date.now() + 400_000);
  }
  expect(object.told).toEqual(["registration", undefined]);
  expect(object.kept.has("faults")).toBe(false);
});

it("a server that had failed with other settings counts no more, and one that had not is not mentioned", async () => {
  const object = unreachable();
  await new TrunkMonitor(object.cared, {} as TrunkRegistration).alarm();
  await new TrunkMonitor(object.cared, {} as TrunkRegistration).begin("registers", undefined);
  expect(object.told).toEqual(["registration", "forgotten"]);
  await new TrunkMonitor(object.cared, {} as TrunkRegistration).begin("registers", undefined);
  expect(object.told).toEqual(["registration", "forgotten"]);
});

it("a server that has sent our registration elsewhere is asked again when that is over, though its object sleeps (RFC 3261 §8.1.3.4)", async () => {
  const object = unreachable();
  const asked: number[] = [];
  const outcome = { kind: "redirected", contacts: ["sip:other.example"], granted: 900 };
  const redirects = { register: async () => (asked.push(Date.now()), outcome) } as unknown as TrunkRegistration;
  const reachable = {
    ...object.cared,
    open: async () => ({}) as Awaited<ReturnType<MonitoredTrunk["open"]>>,
    redirect: async () => ({ to: "hop|the other", rest: [] }),
  };
  const began = Date.now();
  for (let time = 0; time < 3; time += 1) {
    await new TrunkMonitor(reachable, redirects).alarm();
    vi.setSystemTime(object.alarm ?? 0);
    object.alarm = null;
  }
  expect(asked).toEqual([began, began + 900_000, began + 1_800_000]);
  expect(object.told).toEqual([]);
});
