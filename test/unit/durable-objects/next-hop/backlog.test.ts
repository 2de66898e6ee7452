import { describe, expect, it } from "vitest";
import { Backlog } from "../../../../durable-objects/next-hop/backlog.ts";

const mebibyte = 1_048_576;

/** Messages of these senders until none has room. */
function fill(backlog: Backlog, senders: readonly string[], octets: number): void {
  for (let isFull = false; !isFull;) {
    const open = senders.filter((sender) => backlog.hasRoom(sender, octets));
    for (const sender of open) if (backlog.hasRoom(sender, octets)) backlog.sent(sender, octets, 0);
    isFull = open.length === 0;
  }
}

describe("what waits for a server that reads slowly", () => {
  it.each([
    [1, 0.5],
    [2, 1],
    [10, 5],
    [100, 8],
  ])("of %i senders leaves room for others, and is %f MiB at most", (count, most) => {
    const backlog = new Backlog();
    const senders = Array.from({ length: count }, (_none, at) => `sender${at}`);
    fill(backlog, senders, 250_000);
    expect([backlog.hasRoom("other", 20_000), backlog.octets <= most * mebibyte]).toEqual([true, true]);
    fill(backlog, senders, 16_384);
    expect([backlog.hasRoom("other", 3000), backlog.octets <= 10 * mebibyte]).toEqual([true, true]);
  });

  it("has room again as far as it has been read", () => {
    const backlog = new Backlog();
    fill(backlog, ["one"], 250_000);
    const before = backlog.length;
    expect(backlog.hasRoom("one", 250_000)).toBe(false);
    backlog.read(1, 0);
    expect([backlog.length, backlog.hasRoom("one", 250_000)]).toEqual([before - 1, true]);
    backlog.read(before, 0);
    expect([backlog.length, backlog.octets, backlog.hasRoom("one", mebibyte / 2)]).toEqual([0, 0, true]);
  });

  it("is read up to the request that is answered", () => {
    const backlog = new Backlog();
    for (const branch of ["a", "b", undefined, "c"]) backlog.sent("one", 10, 0, branch);
    backlog.answered("b", 0);
    backlog.answered("a", 0);
    backlog.answered("unknown", 0);
    expect(backlog.length).toBe(2);
    backlog.answered("c", 0);
    expect([backlog.length, backlog.octets]).toEqual([0, 0]);
  });

  it("is stuck when the server has read nothing for ten seconds, and not when it reads slowly", () => {
    const backlog = new Backlog();
    expect(backlog.isStuck(20_000)).toBe(false);
    for (const at of [50_000, 51_000, 52_000]) backlog.sent("one", 10, at);
    expect([backlog.isStuck(60_000), backlog.isStuck(60_001)]).toEqual([false, true]);
    backlog.read(1, 60_001);
    expect([backlog.isStuck(70_001), backlog.isStuck(70_002)]).toEqual([false, true]);
    backlog.read(2, 70_002);
    expect(backlog.isStuck(99_000)).toBe(false);
  });
});
