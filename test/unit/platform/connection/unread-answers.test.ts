import { describe, expect, it } from "vitest";
import { maxUnread, octetsBeforeProbe, probeTimeout } from "../../../../lib/transport/unread.ts";
import { UnreadAnswers } from "../../../../platform/connection/unread-answers.ts";

describe("what a Worker answers", () => {
  it("has a client asked once after each MiB, whose response shows that it has read what was before", () => {
    const asked: string[] = [];
    const answers = new UnreadAnswers(() => asked[asked.push(`b${asked.length}`) - 1] as string);
    for (let sent = 0; sent < 3; sent += 1) answers.sent(octetsBeforeProbe / 2, 0);
    expect(asked).toEqual(["b0"]);
    expect(answers.isSign("another")).toBe(false);
    expect(answers.isSign("b0")).toBe(true);
    expect(answers.isSign("b0")).toBe(false);
    answers.sent(octetsBeforeProbe / 2, 0);
    expect(asked).toEqual(["b0", "b1"]);
  });

  it("is dropped when 8 MiB are unread, and 10 s later the client does not read", () => {
    const answers = new UnreadAnswers(() => "branch");
    answers.sent(maxUnread, 1000);
    expect(answers.check(1, 1000)).toBe("full");
    expect(answers.check(1, 1000 + probeTimeout)).toBe("full");
    expect(answers.check(1, 1001 + probeTimeout)).toBe("does not read");
    expect(answers.isSign("branch")).toBe(true);
    expect(answers.check(maxUnread, 2000 + probeTimeout)).toBe("room");
  });
});
