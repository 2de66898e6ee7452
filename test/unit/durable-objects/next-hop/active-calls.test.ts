import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { uriMark } from "../../../../lib/proxy/bye.ts";
import { ActiveCalls, type Ends, isFull } from "../../../../durable-objects/next-hop/active-calls.ts";

import type { Trunk } from "../../../../lib/routing/trunk.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const home = "sip:carol@example.com#1";
/** What identifies the INVITE of a call. */
const one = { callId: "one", fromTag: "near", toTag: undefined, cseq: { method: "INVITE", number: 1 } };

/** The calls on a connection, and what goes by of one of them, which another home has forwarded here. */
function calls() {
  const ended = vi.fn<Ends["forwarded"]>();
  const lasted = vi.fn<Ends["toTrunk"]>();
  const some = new ActiveCalls({ transaction: 32_000, ringing: 185_000 }, { forwarded: ended, toTrunk: lasted });
  const forwardedBy = { home, flow: "", phone: "", branch: "b" };
  return {
    some,
    ended,
    lasted,
    forwardedBy,
    asks: (method: string, now: number, toTag?: string) =>
      some.passed(method, { ...one, toTag }, now, { home: undefined, forwardedBy, requestUri: "sip:far@trunk.example" }, "caller"),
    /** The other server hangs up. */
    hangsUp: (now: number) => some.passed("BYE", { ...one, toTag: "far" }, now, { home: undefined }, "callee"),
    answers: (status: number, now: number, method = "INVITE", toTag = "far") =>
      some.answered({ ...one, toTag, cseq: { method, number: 1 } }, now, { status, home }),
  };
}

describe("a call on a connection counts", () => {
  it("until a while after Timer B, if nothing ever answers its INVITE", () => {
    const { some, asks } = calls();
    asks("INVITE", 0);
    expect([some.count(36_999), some.count(37_000)]).toEqual([1, 0]);
  });

  it("until a while after Timer C and the wait after a CANCEL, from the last provisional response on", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(180, 1000);
    answers(180, 100_000);
    expect([some.count(321_999), some.count(322_000)]).toEqual([1, 0]);
  });

  it("until the last of its branches is refused", () => {
    const { some } = calls();
    for (const branch of ["a", "b", "c"]) some.passed("INVITE", one, 0, { home, branch }, "caller");
    some.replaced("one", "a", "d");
    for (const branch of ["a", "b", "b"]) some.answered(one, 0, { status: 486, branch, home });
    some.answered(one, 0, { status: 486, branch: "c", home });
    expect(some.has("one")).toBe(true);
    some.answered(one, 0, { status: 486, branch: "d", home });
    expect(some.has("one")).toBe(false);
  });

  it("until its BYE", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(200, 1000);
    expect(some.count(3600_000)).toBe(1);
    asks("BYE", 3600_000, "far");
    expect(some.count(3600_000)).toBe(0);
  });

  it("until its BYE, and the home that has forwarded it is told when, also if the BYE is never answered", () => {
    const { some, ended, forwardedBy, asks, answers } = calls();
    asks("INVITE", 0);
    answers(200, 1000);
    asks("BYE", 2000, "far");
    expect(ended).not.toHaveBeenCalled();
    vi.advanceTimersByTime(32_000);
    expect(ended.mock.calls).toEqual([[forwardedBy, "caller", 2000]]);
    answers(200, 40_000, "BYE");
    expect([ended.mock.calls.length, some.count(40_000)]).toEqual([1, 0]);
  });

  it("on, if its BYE is refused; not if it is accepted", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(200, 1000);
    asks("BYE", 2000, "far");
    answers(500, 2100, "BYE");
    expect(some.count(3000)).toBe(1);
    asks("BYE", 4000, "far");
    answers(200, 4100, "BYE");
    expect(some.count(5000)).toBe(0);
  });

  it("no more after a BYE of the other server, though the phone refuses that", () => {
    const { some, ended, lasted, forwardedBy, asks, answers, hangsUp } = calls();
    some.reserve(one, { home: undefined, forwardedBy, isToTrunk: true }, 0);
    asks("INVITE", 0);
    answers(200, 1000);
    hangsUp(4000);
    answers(500, 5000, "BYE");
    expect([some.count(5000), lasted.mock.calls, ended.mock.calls]).toEqual([0, [[3000, 4000]], [[forwardedBy, "callee", 4000]]]);
    expect(some.ending(5000)).toBe(0);
  });

  it("no more after its BYE, though its 2xx is said again", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(200, 1000);
    asks("BYE", 2000, "far");
    answers(200, 3000);
    expect(some.count(3000)).toBe(0);
  });

  it("until the last BYE, where several phones have answered it (RFC 3261 §13.2.2.4)", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    for (const tag of ["far", "other"]) answers(200, 1000, "INVITE", tag);
    asks("BYE", 2000, "far");
    expect(some.count(2000)).toBe(1);
    asks("BYE", 3000, "other");
    expect(some.count(3000)).toBe(0);
  });

  it("though a BYE ends one of its early dialogs, until its INVITE is answered (RFC 3261 §15)", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(180, 1000);
    asks("BYE", 2000, "far");
    expect(some.count(2000)).toBe(1);
    answers(487, 2000);
    expect(some.count(2000)).toBe(0);
  });

  it.each(["INVITE", "ACK", "UPDATE"])("for a day after the last %s in it, if its BYE never comes", (method) => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(200, 0);
    asks(method, 3600_000, "far");
    expect([some.until(), some.count(25 * 3600_000 - 1), some.count(25 * 3600_000)]).toEqual([25 * 3600_000, 1, 0]);
  });

  it.each(["ACK", "UPDATE"])("not because of an %s behind its end: routes outlive their calls", (method) => {
    const { some, asks, answers } = calls();
    asks(method, 0, "far");
    expect(some.count(0)).toBe(0);
    asks("INVITE", 0);
    answers(180, 0);
    answers(487, 0);
    asks(method, 1000, "far");
    expect(some.count(1000)).toBe(0);
  });

  it("though it is not known any more, as soon as a re-INVITE in it is answered", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0, "far");
    expect([some.count(36_999), some.count(37_000)]).toEqual([1, 0]);
    asks("INVITE", 40_000, "far");
    answers(200, 41_000);
    expect(some.count(3600_000)).toBe(1);
  });

  it("though a re-INVITE was refused (RFC 3261 §14.1), or anything else", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(200, 1000);
    asks("INVITE", 2000, "far");
    answers(100, 2000);
    answers(488, 2000);
    answers(481, 2000, "INFO");
    expect(some.has("one")).toBe(true);
  });

  it("no more once it was refused", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(486, 0);
    expect([some.count(0), some.until()]).toEqual([0, 0]);
  });

  it("only if it is one", () => {
    const { some, asks, answers } = calls();
    asks("MESSAGE", 0);
    answers(200, 0, "MESSAGE");
    asks("NOTIFY", 0, "far");
    expect(some.count(0)).toBe(0);
  });
});

describe("a call that others try to look like", () => {
  it("does not drop out of the count by requests and BYEs with tags that are not its own", () => {
    const { some, asks, answers, lasted } = calls();
    some.reserve(one, { home: undefined, isToTrunk: true }, 0);
    asks("INVITE", 0);
    answers(200, 0);
    for (let tag = 0; tag < 10; tag += 1) {
      for (const method of ["ACK", "INVITE", "UPDATE", "BYE"]) asks(method, 1000, `made-up-${tag}`);
      answers(481, 2000, "BYE", `made-up-${tag}`);
    }
    expect([some.count(3000), some.talking(60_000), lasted.mock.calls]).toEqual([1, 60_000, []]);
  });

  it.each([
    ["another target", 404, 1],
    ["another target", 408, 1],
    ["another target", undefined, 1],
    ["another target", 200, 0],
    ["another target", 481, 0],
    ["its secure form", 416, 1],
    ["another port", 404, 1],
    ["another transport", 408, 1],
    ["the target", 404, 0],
    ["the target", undefined, 0],
    ["the target", 500, 1],
  ] as const)("a BYE for %s that is answered with %s: %s", (target, status, count) => {
    const { some, lasted } = calls();
    some.reserve(one, { home: undefined, isToTrunk: true }, 0);
    some.passed("INVITE", one, 0, { home: undefined }, "caller");
    some.answered({ ...one, toTag: "far" }, 0, { status: 200, target: uriMark("sip:far@trunk.example;transport=tcp"), home });
    const uris = {
      "the target": "sip:far@trunk.example;transport=tcp",
      "another target": "sip:x@nowhere.invalid",
      "its secure form": "sips:far@trunk.example;transport=tcp",
      "another port": "sip:far@trunk.example:5070;transport=tcp",
      "another transport": "sip:far@trunk.example;transport=udp",
    };
    const requestUri = uris[target];
    const bye = { ...one, toTag: "far", cseq: { method: "BYE", number: 2 } };
    some.passed("BYE", bye, 10_000, { home: undefined, requestUri }, "caller");
    if (status !== undefined) some.answered(bye, 11_000, { status, home });
    vi.advanceTimersByTime(40_000);
    expect(some.count(50_000)).toBe(count);
    expect(lasted.mock.calls.length).toBe(count === 0 || target === "the target" ? 1 : 0);
  });

  it("BYEs of dialogs that nobody has do not displace what is known of another one", () => {
    const { some } = calls();
    some.passed("INVITE", one, 0, { home }, "caller");
    some.answered({ ...one, toTag: "far" }, 0, { status: 200, target: uriMark("sip:far@trunk.example;ob"), home });
    const bye = (toTag: string) => ({ ...one, toTag, cseq: { method: "BYE", number: 2 } });
    // Some phones leave a parameter out.
    some.passed("BYE", bye("far"), 1000, { home, requestUri: "sip:far@trunk.example" }, "caller");
    for (let index = 0; index < 1001; index += 1)
      some.passed("BYE", bye(`made-up-${index}`), 1001, { home, requestUri: "sip:x@trunk.example" }, "caller");
    some.answered(bye("far"), 1100, { status: 200, home });
    expect(some.has("one")).toBe(false);
  });

  it("is the same as its forks only: those with its From tag and CSeq number", () => {
    const { some } = calls();
    some.reserve(one, { home: undefined, isToTrunk: true }, 0);
    const others = [{ fromTag: "other" }, { cseq: { method: "INVITE", number: 2 } }, { callId: "two" }];
    expect([some.isForkOf(one), ...others.map((other) => some.isForkOf({ ...one, ...other }))]).toEqual([true, false, false, false]);
  });
});

describe("the time of a call to a trunk", () => {
  it("counts from its answer on, and to its BYE once", () => {
    const { some, asks, answers, lasted } = calls();
    some.reserve(one, { home: undefined, isToTrunk: true }, 0);
    asks("INVITE", 0);
    answers(180, 1000);
    expect(some.talking(20_000)).toBe(0);
    answers(200, 20_000);
    answers(200, 20_500);
    asks("INVITE", 30_000, "far");
    expect(some.talking(50_000)).toBe(30_000);
    asks("BYE", 80_000, "far");
    asks("BYE", 80_500, "far");
    answers(200, 81_000, "BYE");
    expect(lasted.mock.calls).toEqual([[60_000, 80_000]]);
    expect(some.talking(90_000)).toBe(0);
  });

  it("goes on after a BYE that was refused, and what was counted is not counted again", () => {
    const { some, asks, answers, lasted } = calls();
    some.reserve(one, { home: undefined, isToTrunk: true }, 0);
    asks("INVITE", 0);
    answers(200, 0);
    asks("BYE", 60_000, "far");
    answers(403, 61_000, "BYE");
    asks("BYE", 90_000, "far");
    answers(200, 90_000, "BYE");
    expect(lasted.mock.calls.map(([milliseconds]) => milliseconds)).toEqual([60_000, 30_000]);
  });

  it("does not count for a call from the trunk", () => {
    const { some, asks, answers, lasted } = calls();
    some.reserve(one, { home: undefined }, 0);
    asks("INVITE", 0);
    answers(200, 0);
    expect(some.talking(60_000)).toBe(0);
    asks("BYE", 60_000, "far");
    expect(lasted).not.toHaveBeenCalled();
  });
});

describe("a trunk is full", () => {
  const full = (some: ActiveCalls) => isFull({ maximum_calls: 1 } as Trunk, some);
  /** The clock of the trunk's limit. */
  const at = (now: number) => vi.setSystemTime(now);

  it("until a BYE has its answer, which may be a refusal; without one, for a moment", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(200, 1000);
    at(10_000);
    asks("BYE", 10_000, "far");
    expect([some.count(10_000), full(some)]).toEqual([0, true]);
    answers(500, 10_100, "BYE");
    expect([some.count(10_100), full(some)]).toEqual([1, true]);
    asks("BYE", 10_200, "far");
    at(12_199);
    expect(full(some)).toBe(true);
    at(12_200);
    expect(full(some)).toBe(false);
  });

  it("no more when the BYE was accepted", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    answers(200, 1000);
    at(10_000);
    asks("BYE", 10_000, "far");
    answers(200, 10_001, "BYE");
    expect(full(some)).toBe(false);
  });

  it("though its phone has answered with many tags, and the caller has ended all but the first", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    for (let tag = 0; tag < 20; tag += 1) answers(200, 1000, "INVITE", `tag${tag}`);
    for (let tag = 1; tag < 20; tag += 1) {
      asks("BYE", 2000, `tag${tag}`);
      answers(200, 2000, "BYE", `tag${tag}`);
    }
    expect([some.count(60_000), some.dialogOf({ ...one, toTag: "tag0" }).kind]).toEqual([1, "known"]);
  });

  it("and a BYE of a dialog that it has not changes nothing, whatever the answer is", () => {
    const { some, asks, answers, lasted } = calls();
    some.passed("INVITE", { ...one, toTag: undefined }, 0, { home, isToTrunk: true }, "caller");
    answers(200, 1000);
    for (const status of [483, 420, 400, 200]) {
      asks("BYE", 3_600_000, "made-up");
      answers(status, 3_600_001, "BYE", "made-up");
      expect([status, some.dialogOf({ ...one, toTag: "made-up" }).kind, some.talking(3_601_000)]).toEqual([status, "none", 3_600_000]);
    }
    asks("BYE", 3_601_000, "far");
    answers(200, 3_601_001, "BYE");
    expect([some.count(3_601_002), lasted.mock.calls]).toEqual([0, [[3_600_000, 3_601_000]]]);
  });

  it("and its first dialog keeps the media when its BYE was refused", () => {
    const { some, asks, answers } = calls();
    asks("INVITE", 0);
    for (const tag of ["far", "other"]) answers(200, 1000, "INVITE", tag);
    asks("BYE", 2000, "far");
    answers(500, 2001, "BYE", "far");
    expect(["far", "other"].map((toTag) => some.ownsMedia({ ...one, toTag }))).toEqual([true, false]);
  });
});
