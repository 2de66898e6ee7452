import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Brakes, brakeOfName } from "../../../../platform/connection/brakes.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Milliseconds that credentials for an account wait now. */
async function waitOf(brakes: Brakes, account: string): Promise<number> {
  const start = Date.now();
  const waiting = brakes.waiting(account, start);
  if (waiting === undefined) return 0;
  await vi.runAllTimersAsync();
  await waiting;
  return Date.now() - start;
}

describe("credentials for an account that was guessed at", () => {
  it("wait longer with each wrong password after twenty, up to four seconds; those of other accounts do not", async () => {
    const brakes = new Brakes();
    brakes.wrong("alice@example.com", 21, Date.now());
    expect(await waitOf(brakes, "alice@example.com")).toBe(200);
    brakes.wrong("alice@example.com", 100, Date.now());
    expect([await waitOf(brakes, "alice@example.com"), await waitOf(brakes, "bob@example.com")]).toEqual([4000, 0]);
  });

  it("do not wait for others: a stranger at the owner's address does not keep the owner out", async () => {
    const brakes = new Brakes();
    brakes.wrong("alice@example.com", 100, Date.now());
    for (let count = 0; count < 100; count += 1) void brakes.waiting("alice@example.com", Date.now());
    expect(await waitOf(brakes, "alice@example.com")).toBe(4000);
  });

  it.each([
    [undefined, 600_000],
    [brakeOfName, 10_000],
  ])("wait until nobody has guessed for a while: %s, %i ms", async (memory, milliseconds) => {
    const brakes = new Brakes(memory);
    brakes.wrong("alice@example.com", 100, Date.now());
    vi.advanceTimersByTime(milliseconds);
    expect(await waitOf(brakes, "alice@example.com")).toBe(4000);
    vi.advanceTimersByTime(milliseconds);
    expect(await waitOf(brakes, "alice@example.com")).toBe(0);
  });
});
