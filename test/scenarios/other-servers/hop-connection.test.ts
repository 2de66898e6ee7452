import { afterEach, expect, it, vi } from "vitest";
import { Connection } from "../../../durable-objects/next-hop/connection.ts";
import { HopConnection } from "../../../durable-objects/next-hop/hop-connection.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const nothing = () => undefined;

/** A connection that cannot be opened at first. */
function failing(): HopConnection {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(nothing);
  const connection = { isOpen: true, host: "h", claim: nothing, close: nothing, send: nothing } as unknown as Connection;
  vi.spyOn(Connection, "open").mockRejectedValueOnce(new Error("refused")).mockResolvedValue(connection);
  const owner = {
    ...{ name: "n", hop: {}, storage: { get: async () => undefined, put: async () => undefined }, keepAliveEvery: 1000, idleAfter: 60_000 },
    ...{ calls: { until: () => 0, lost: nothing }, observe: undefined, networkOf: nothing, trunk: async () => undefined },
    ...{ isHeld: () => true, isDismissed: () => false, heard: nothing, opened: nothing, lost: nothing, forgetHosts: nothing },
  };
  return new HopConnection(owner as unknown as ConstructorParameters<typeof HopConnection>[0]);
}

it("what has waited while it could not be opened does not try for itself, and what comes later does", async () => {
  const connection = failing();
  const came = Date.now();
  vi.advanceTimersByTime(10);
  expect(await connection.open(came)).toBeUndefined();
  expect(await connection.open(came)).toBeUndefined();
  expect(Connection.open).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10);
  expect(await connection.open(Date.now())).toBeDefined();
});

it("what has waited uses a connection that is open by now", async () => {
  const connection = failing();
  const came = Date.now();
  vi.advanceTimersByTime(10);
  await connection.open(came);
  await connection.open(Date.now());
  expect(await connection.open(came)).toBeDefined();
});
