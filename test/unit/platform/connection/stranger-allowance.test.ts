import { describe, expect, it } from "vitest";
import { StrangerAllowance } from "../../../../platform/connection/stranger-allowance.ts";

const often = (take: () => boolean) => {
  let taken = 0;
  while (taken < 100_000 && take()) taken += 1;
  return taken;
};

describe("the allowance of a stranger", () => {
  it.each([
    ["messages", (one: StrangerAllowance, now: number) => one.hears("", now), 120, 2],
    ["octets", (one: StrangerAllowance, now: number) => one.hears("x".repeat(32_768), now), 32, 0.5],
    ["octets that are answered", (one: StrangerAllowance, now: number) => one.says(new ArrayBuffer(1024), now), 128, 2],
    ["questions", (one: StrangerAllowance, now: number) => one.asks(now), 30, 0.1],
  ])("has so many %s at once, and so many each second after that", (_what, take, most, eachSecond) => {
    const allowance = new StrangerAllowance();
    const start = 1e12;
    expect(often(() => take(allowance, start))).toBe(most);
    expect(often(() => take(allowance, start + 10_000))).toBe(10 * eachSecond);
  });
});
