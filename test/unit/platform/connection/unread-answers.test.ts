import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { maxUnread, probeTimeout } from "../../../../lib/transport/unread.ts";
import { UnreadAnswers } from "../../../../platform/connection/unread-answers.ts";

const beforeProbe = 131_072;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const answers of open.splice(0)) answers.ends();
  vi.useRealTimers();
});

const open: UnreadAnswers[] = [];

/** The answers of a connection, the probes that were sent there, and whether it was closed. */
function opened() {
  const asked: string[] = [];
  const doesNotRead = vi.fn<() => void>();
  const answers = new UnreadAnswers(() => asked[asked.push(`b${asked.length}`) - 1] as string, doesNotRead);
  open.push(answers);
  return { answers, asked, doesNotRead };
}

describe("what a Worker answers", () => {
  it("has a client asked once after each 128 KiB, whose response shows that it has read what was before", () => {
    const { answers, asked } = opened();
    for (let sent = 0; sent < 3; sent += 1) answers.sent(beforeProbe / 2);
    expect(asked).toEqual(["b0"]);
    expect(answers.isSign("another")).toBe(false);
    expect(answers.isSign("b0")).toBe(true);
    expect(answers.isSign("b0")).toBe(false);
    answers.sent(beforeProbe / 2);
    expect(asked).toEqual(["b0", "b1"]);
  });

  it("is dropped when 8 MiB are unread, and 10 s later the client does not read, though nothing more is sent to it", () => {
    const { answers, doesNotRead } = opened();
    answers.sent(maxUnread);
    expect(answers.hasRoom(1)).toBe(false);
    vi.advanceTimersByTime(probeTimeout - 1);
    expect(doesNotRead).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(doesNotRead).toHaveBeenCalledOnce();
  });

  it("goes on after an answer to the probe", () => {
    const { answers, doesNotRead } = opened();
    answers.sent(maxUnread);
    vi.advanceTimersByTime(probeTimeout - 1);
    expect(answers.isSign("b0")).toBe(true);
    vi.advanceTimersByTime(probeTimeout);
    expect([answers.hasRoom(maxUnread), doesNotRead.mock.calls.length]).toEqual([true, 0]);
  });

  it("is dropped where much is unread while 32 MiB are in all connections, until one of those is closed or has read", () => {
    const crowd = Array.from({ length: 4 }, opened);
    for (const { answers } of crowd) answers.sent(maxUnread);
    const { answers } = opened();
    expect([answers.hasRoom(262_144), answers.hasRoom(262_145)]).toEqual([true, false]);
    crowd[0]?.answers.ends();
    expect(answers.hasRoom(maxUnread)).toBe(true);
    answers.sent(maxUnread);
    expect(opened().answers.hasRoom(262_145)).toBe(false);
    expect(crowd[1]?.answers.isSign("b0")).toBe(true);
    expect(opened().answers.hasRoom(262_145)).toBe(true);
  });

  it("always reaches a client that reads, whatever is unread elsewhere", () => {
    for (let count = 0; count < 4; count += 1) opened().answers.sent(maxUnread);
    const { answers, asked } = opened();
    for (let sent = 0; sent < 1000; sent += 1) {
      expect(answers.hasRoom(1000)).toBe(true);
      answers.sent(1000);
      const probe = asked.splice(0).at(-1);
      if (probe !== undefined) answers.isSign(probe);
    }
  });
});
