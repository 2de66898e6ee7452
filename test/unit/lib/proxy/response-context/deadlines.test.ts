import { describe, expect, it } from "vitest";
import { nextDeadline, passDeadlines } from "../../../../../lib/proxy/response-context/deadlines.ts";
import type { ForkedBranch, ResponseContext } from "../../../../../lib/proxy/response-context/context.ts";
import { branch, contextOf, now, timers } from "../support.ts";

const never = Number.POSITIVE_INFINITY;

/** Branch 0 has had its last provisional response so many milliseconds after it was sent; no other has had one. */
const rang = (after: number) => (one: ForkedBranch) => (one.index === 0 ? now + after : undefined);
const silent = (): undefined => undefined;

describe("the next deadline", () => {
  it.each<[string, ResponseContext, (one: ForkedBranch) => number | undefined, number]>([
    ["of a phone that says nothing: Timer B (RFC 3261 §17.1.1.2)", contextOf([branch(0)]), silent, now + 32_000],
    [
      "of a phone that rings: Timer C, from its last provisional response (§16.7 step 2)",
      contextOf([branch(0)]),
      rang(5000),
      now + 190_000,
    ],
    ["of one that was cancelled: 64*T1 (§9.1)", contextOf([branch(0, { cancelled: now + 7000 })]), rang(5000), now + 39_000],
    ["of one that is away: until then it is waited for", contextOf([branch(0, { sent: 0, until: now + 30_000 })]), silent, now + 30_000],
    ["is the earliest of all branches", contextOf([branch(0), branch(1, { sent: now - 9000 })]), rang(0), now + 23_000],
    ["is none for branches that are done", contextOf([branch(0, { final: 486 }), branch(1)]), rang(0), now + 32_000],
    ["is none when the final has gone up", contextOf([branch(0)], { final: 200 }), silent, never],
    ["is none for what is no INVITE (RFC 4320 §4.2)", contextOf([branch(0)], { method: "MESSAGE" }), silent, never],
    ["is at once while a final is owed", contextOf([], { final: 486, unconfirmed: { status: 486, text: "" } }), silent, 0],
  ])("%s", (_whose, context, since, expected) => {
    expect(nextDeadline(context, timers, since)).toBe(expected);
  });
});

describe("when deadlines pass", () => {
  const pass = (context: ResponseContext, after: number, since: (one: ForkedBranch) => number | undefined = silent) =>
    passDeadlines(context, now + after, timers, since);

  it("a millisecond early, nothing happens", () => {
    const context = contextOf([branch(0)]);
    expect(pass(context, 31_999)).toEqual({ context, effects: [] });
  });

  it("a phone that said nothing ends with 408 (RFC 3261 §16.8)", () => {
    const { context, effects } = pass(contextOf([branch(0)]), 32_000);
    expect(effects).toEqual([{ kind: "answer", status: 408, text: undefined, also: [] }]);
    expect(context).toMatchObject({ final: 408, collect: now + 64_000 });
  });

  it("a phone that rings too long is cancelled, and its answer waited for (§16.8)", () => {
    const { context, effects } = pass(contextOf([branch(0)]), 185_000, rang(0));
    expect(effects).toEqual([{ kind: "cancel", branch: 0, reason: undefined }]);
    expect(context).toMatchObject({ final: 0, branches: [{ cancelled: now + 185_000, final: 0 }] });
    expect(nextDeadline(context, timers, rang(0))).toBe(now + 217_000);
    expect(pass(context, 217_000, rang(0)).effects).toMatchObject([{ kind: "answer", status: 408 }]);
  });

  it("a phone that was away and did not come ends with 480", () => {
    expect(pass(contextOf([branch(0, { sent: 0, until: now + 10 })]), 10).effects).toMatchObject([{ kind: "answer", status: 480 }]);
  });

  it("a cancelled phone that never answers ends with 487, if the caller gave up (§9.1)", () => {
    const context = contextOf([branch(0, { cancelled: now })], { cancelled: "" });
    expect(pass(context, 32_000, rang(0)).effects).toMatchObject([{ kind: "answer", status: 487 }]);
  });

  it("the others are waited for, and the best of all goes up", () => {
    const first = pass(contextOf([branch(0), branch(1)]), 32_000, rang(0));
    expect([first.effects, first.context.branches.map(({ final }) => final)]).toEqual([[], [0, 408]]);
    const busy = contextOf([branch(0), branch(1, { final: 486, response: "busy" })]);
    expect(pass(busy, 32_000).effects).toMatchObject([{ kind: "answer", status: 486, text: "busy" }]);
  });

  it("several at once, long after: each ends as it would have", () => {
    const context = contextOf([branch(0), branch(1), branch(2, { sent: 0, until: now + 1 })]);
    const { effects, context: passed } = pass(context, 3_600_000, rang(0));
    expect(effects).toEqual([{ kind: "cancel", branch: 0, reason: undefined }]);
    expect(passed.branches.map(({ final }) => final)).toEqual([0, 408, 480]);
  });

  it.each([
    ["the final has gone up", contextOf([branch(0)], { final: 200 })],
    ["it is no INVITE", contextOf([branch(0)], { method: "OPTIONS" })],
    ["all branches are done", contextOf([branch(0, { final: 486 })], { final: 486 })],
  ])("nothing happens when %s", (_when, context) => {
    expect(pass(context, 3_600_000)).toEqual({ context, effects: [] });
  });

  it("passing them twice does no more than once", () => {
    const { context } = pass(contextOf([branch(0)]), 32_000);
    expect(pass(context, 64_000)).toEqual({ context, effects: [] });
  });
});
