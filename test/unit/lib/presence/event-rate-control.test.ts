import { describe, expect, it } from "vitest";
import { adaptiveTimeout, readRates, withinPeriod } from "../../../../lib/presence/event-rate-control.ts";
import { parseEvent } from "../../../../lib/syntax/event.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";

function rates(parameters: string) {
  const event = parseEvent(`presence${parameters}`);
  if (isFault(event)) throw new Error(event.reason);
  return readRates(event.parameters);
}

describe("notification rates (RFC 6446)", () => {
  it.each([
    ["", [0, 0, 0, ""]],
    [";max-rate=0.5", [2000, 0, 0, ";max-rate=0.5"]],
    [";min-rate=0.1;max-rate=2", [500, 10_000, 0, ";max-rate=2;min-rate=0.1"]],
    [";adaptive-min-rate=0.05", [0, 0, 20_000, ";adaptive-min-rate=0.05"]],
    // A watcher is told every 10 s at most of what has not changed.
    [";min-rate=999999999", [0, 10_000, 0, ";min-rate=0.1"]],
    [";adaptive-min-rate=3", [0, 0, 10_000, ";adaptive-min-rate=0.1"]],
    [";max-rate=0", [0, 0, 0, ""]],
    [";max-rate=nonsense;min-rate", [0, 0, 0, ""]],
  ])("%s (§8.3)", (parameters, expected) => {
    const { pause, maxPause, averagePause, text } = rates(parameters);
    expect([pause, maxPause, averagePause, text]).toEqual(expected);
  });

  it.each([
    ["before there is a period to take an average of, the rate itself", [1000], 10_000],
    ["after as many as the rate has in a period, the rate itself", [60_000, 70_000, 80_000, 90_000, 100_000], 10_000],
    ["after more of them, later", [96, 97, 98, 99, 100].flatMap((at) => [at * 1000, at * 1000 + 500]), 20_000],
    ["after one only, sooner", [100_000], 2000],
  ])("adaptive-min-rate: %s (§7.4)", (_rule, sent, expected) => {
    expect(adaptiveTimeout(10_000, 0, sent)).toBe(expected);
  });

  it("times that do not count any more are forgotten", () => {
    expect(withinPeriod(10_000, [1000, 50_000, 60_000])).toEqual([50_000, 60_000]);
    expect(
      withinPeriod(
        1_000_000,
        Array.from({ length: 500 }, (_, index) => index),
      ),
    ).toHaveLength(100);
  });
});
