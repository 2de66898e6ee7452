import { describe, expect, it } from "vitest";
import { chooseDelivery, nextAttempt } from "../../../../lib/web-hooks/schedule.ts";

const now = 1_000_000;
const waiting = (name: string, attempts: number, next: number) => ({ name, attempts, next: now + next });
const chosen = (failures: number, ...all: ReturnType<typeof waiting>[]) => chooseDelivery(all, failures, now)?.name;

describe("the schedule of deliveries", () => {
  it("has longer pauses, and an end", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 20].map((attempts) => (nextAttempt(attempts, 0, 0) ?? 0) / 1000);
    expect(pauses).toEqual([5, 30, 120, 600, 1800, 3600, 10_800, 10_800]);
    expect(nextAttempt(8, 0, 21 * 3_600_000)).toBe(24 * 3_600_000);
    expect(nextAttempt(8, 0, 21 * 3_600_000 + 1)).toBeUndefined();
  });

  it("takes the oldest that is due", () => {
    expect(chosen(0)).toBeUndefined();
    expect(chosen(0, waiting("a", 0, 0), waiting("b", 0, -1))).toBe("a");
    expect(chosen(0, waiting("a", 5, 10), waiting("b", 0, 0))).toBe("b");
  });

  it("lets the younger ones wait for one that has just failed, but not for long, and not while all fail", () => {
    expect(chosen(1, waiting("a", 1, 10), waiting("b", 0, 0))).toBe("a");
    expect(chosen(3, waiting("a", 3, 10), waiting("b", 0, 0))).toBe("a");
    expect(chosen(4, waiting("a", 4, 10), waiting("b", 0, 0))).toBe("b");
    expect(chosen(4, waiting("a", 1, 10), waiting("b", 0, 0))).toBe("b");
  });

  it("says when to look again", () => {
    expect(chooseDelivery([waiting("a", 5, 20), waiting("b", 6, 10)], 4, now)?.next).toBe(now + 10);
  });
});
