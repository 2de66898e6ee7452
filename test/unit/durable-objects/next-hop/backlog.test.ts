import { describe, expect, it } from "vitest";
import { Backlog } from "../../../../durable-objects/next-hop/backlog.ts";

const mebibyte = 1_048_576;

/** Messages of these calls until none has room. */
function fill(backlog: Backlog, calls: readonly string[], octets: number): void {
  for (let isFull = false; !isFull;) {
    const open = calls.filter((call) => backlog.hasRoom(call, octets));
    for (const call of open) if (backlog.hasRoom(call, octets)) backlog.sent(call, octets, 0);
    isFull = open.length === 0;
  }
}

describe("what waits for a server that reads slowly", () => {
  it.each([1, 2, 10, 100])("of %i calls leaves room for others, and is 8 MiB at most", (count) => {
    const backlog = new Backlog();
    const calls = Array.from({ length: count }, (_none, at) => `call${at}`);
    fill(backlog, calls, 250_000);
    expect([backlog.hasRoom("other", 20_000), backlog.octets <= 8 * mebibyte]).toEqual([true, true]);
    fill(backlog, calls, 16_384);
    expect([backlog.hasRoom("other", 3000), backlog.octets <= 10 * mebibyte]).toEqual([true, true]);
  });

  it("has room again as far as it has been read", () => {
    const backlog = new Backlog();
    fill(backlog, ["one"], 250_000);
    const before = backlog.length;
    expect(backlog.hasRoom("one", 250_000)).toBe(false);
    backlog.read(1);
    expect([backlog.length, backlog.hasRoom("one", 250_000)]).toEqual([before - 1, true]);
    backlog.read(before);
    expect([backlog.length, backlog.octets, backlog.hasRoom("one", 4 * mebibyte)]).toEqual([0, 0, true]);
  });

  it("is stuck when the oldest message has waited for ten seconds", () => {
    const backlog = new Backlog();
    expect(backlog.isStuck(20_000)).toBe(false);
    backlog.sent("one", 10, 0);
    backlog.sent("one", 10, 9000);
    expect([backlog.isStuck(10_000), backlog.isStuck(10_001)]).toEqual([false, true]);
    backlog.read(1);
    expect(backlog.isStuck(10_001)).toBe(false);
  });
});
