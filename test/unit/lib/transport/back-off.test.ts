import { describe, expect, it } from "vitest";
import { backOff } from "../../../../lib/transport/back-off.ts";

const times = { base: 30_000, most: 1800_000 };

describe("the wait before a connection is opened again (RFC 5626 §4.5)", () => {
  it.each([
    [0, 15_000, 30_000],
    [1, 30_000, 60_000],
    [3, 120_000, 240_000],
    [6, 900_000, 1800_000],
    [60, 900_000, 1800_000],
  ])("after %i failures in a row is from %i to %i milliseconds, by chance", (failures, least, most) => {
    expect([backOff(times, failures, 0), backOff(times, failures, 1)]).toEqual([least, most]);
  });
});
