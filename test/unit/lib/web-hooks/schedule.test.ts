import { describe, expect, it } from "vitest";
import { chooseDelivery, isBehind, isMissed, nextAttempt } from "../../../../lib/web-hooks/schedule.ts";

const now = 1_000_000;
const waiting = (name: string, attempts: number, next: number) => ({ name, attempts, next: now + next });
const refused = (name: string, attempts: number, next: number) => ({ ...waiting(name, attempts, next), isRefused: true as const });
const chosen = (...all: ReturnType<typeof waiting>[]) => chooseDelivery(all, now)?.name;

describe("the schedule of deliveries", () => {
  it("has longer pauses, and an end", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 20].map((attempts) => (nextAttempt(attempts, 0, 0) ?? 0) / 1000);
    expect(pauses).toEqual([5, 30, 120, 600, 1800, 3600, 10_800, 10_800]);
    expect(nextAttempt(8, 0, 21 * 3_600_000)).toBe(24 * 3_600_000);
    expect(nextAttempt(8, 0, 21 * 3_600_000 + 1)).toBeUndefined();
  });

  it("takes the oldest that is due", () => {
    expect(chosen()).toBeUndefined();
    expect(chosen(waiting("a", 0, 0), waiting("b", 0, -1))).toBe("a");
    expect(chosen(waiting("a", 5, 10), waiting("b", 0, 0))).toBe("b");
    expect(chooseDelivery([waiting("a", 0, 0), waiting("b", 0, 0)], now, ({ name }) => name === "a")?.name).toBe("b");
  });

  it("lets the younger ones wait for one that has just failed, but not for long, and not for a second one", () => {
    expect(chosen(waiting("a", 1, 10), waiting("b", 0, 0))).toBe("a");
    expect(chosen(waiting("a", 3, 10), waiting("b", 0, 0))).toBe("a");
    expect(chosen(waiting("a", 4, 10), waiting("b", 0, 0))).toBe("b");
    expect(chosen(waiting("a", 4, 10), waiting("b", 1, 5), waiting("c", 0, 0))).toBe("c");
  });

  it("takes one that the receiver refuses after the others", () => {
    expect(chosen(refused("a", 7, -5), waiting("b", 0, 0))).toBe("b");
    expect(chosen(refused("a", 7, -5), waiting("b", 0, 5))).toBe("a");
  });

  it("says when to look again", () => {
    expect(chooseDelivery([waiting("a", 5, 20), waiting("b", 6, 10)], now)?.next).toBe(now + 10);
  });

  it("goes one at a time while one has failed that may be no fault of its own", () => {
    expect([[waiting("a", 1, 5)], [waiting("a", 0, 0)], [refused("a", 8, 5)]].map(isBehind)).toEqual([true, false, false]);
  });

  it("tries again at once what has failed twice, after a success, unless it was refused then", () => {
    const all = [waiting("a", 1, 5), waiting("b", 2, 5), waiting("c", 7, 5), waiting("d", 7, 0), refused("e", 7, 5)];
    expect(all.filter((one) => isMissed(one, now)).map(({ name }) => name)).toEqual(["b", "c"]);
  });
});
