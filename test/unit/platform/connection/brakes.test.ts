import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Brakes } from "../../../../platform/connection/brakes.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Brakes of an account whose credentials wait four seconds. */
function hard(): Brakes {
  const brakes = new Brakes();
  brakes.wrong("alice@example.com", 100, Date.now());
  return brakes;
}

/** How many of so many credentials that come at once are checked within this time, in milliseconds. */
async function checked(brakes: Brakes, address: string, count: number, milliseconds: number): Promise<number> {
  let done = 0;
  for (let index = 0; index < count; index += 1) void brakes.waiting("alice@example.com", address, Date.now())?.then(() => (done += 1));
  await vi.advanceTimersByTimeAsync(milliseconds);
  return done;
}

describe("credentials for an account that was guessed at", () => {
  it("wait one after the other if they come from one address, on however many connections", async () => {
    const brakes = hard();
    expect(await checked(brakes, "192.0.2.1", 200, 20_000)).toBe(5);
  });

  it("wait half a minute at most", async () => {
    const brakes = hard();
    expect(await checked(brakes, "192.0.2.1", 200, 30_000)).toBe(200);
  });

  it("do not wait for those of another address, nor for those of another account", async () => {
    const brakes = hard();
    await checked(brakes, "192.0.2.1", 200, 0);
    expect(await checked(brakes, "192.0.2.2", 1, 4000)).toBe(1);
    expect(brakes.waiting("bob@example.com", "192.0.2.1", Date.now())).toBeUndefined();
  });

  it("do not wait for old ones", async () => {
    const brakes = hard();
    await checked(brakes, "192.0.2.1", 3, 60_000);
    expect(await checked(brakes, "192.0.2.1", 1, 4000)).toBe(1);
  });
});
