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
  ])("has so many %s at once, and so many each second after that", (what, take, most, eachSecond) => {
    const allowance = new StrangerAllowance();
    const start = 1e12;
    expect(often(() => take(allowance, start))).toBe(most);
    for (let second = 1; second < 10; second += 1) allowance.hears("", start + second * 1000);
    expect(often(() => take(allowance, start + 10_000))).toBe(10 * eachSecond - (what === "messages" ? 9 : 0));
  });

  it("begins anew when the client was silent for as long as it takes a home to fall asleep", () => {
    const allowance = new StrangerAllowance();
    const start = 1e12;
    expect(often(() => allowance.hears("", start))).toBe(120);
    expect(often(() => allowance.hears("", start + 9999))).toBe(19);
    expect(often(() => allowance.hears("", start + 19_999))).toBe(120);
  });

  it("does not count keep-alives among its messages, and has many of them", () => {
    const allowance = new StrangerAllowance();
    const start = 1e12;
    expect(often(() => allowance.keepsAlive(start))).toBe(20_000);
    expect(often(() => allowance.hears("", start))).toBe(120);
    expect(often(() => allowance.keepsAlive(start + 1000))).toBe(200);
  });
});
