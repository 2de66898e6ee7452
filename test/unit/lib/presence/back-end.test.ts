import { describe, expect, it } from "vitest";
import { type BackEnd, answered, composeSubscribe, isNews, newBackEnd, notified, readNotified } from "../../../../lib/presence/back-end.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type Message, bodyOf, parseMessage } from "../../../../lib/syntax/message.ts";
import { compose } from "../../../support/compose.ts";

const now = 1_000_000;
const fresh = newBackEnd("presence", "sip:bob@example.com", { instance: "i", callId: "c", localTag: "l" }, now);

function message(startLine: string, lines: readonly string[], body = ""): Message {
  const shared = ["Via: SIP/2.0/WSS h;branch=z9hG4bKx", "From: <sip:bob@example.com>;tag=far", "Call-ID: c", "CSeq: 1 NOTIFY"];
  const parsed = parseMessage(compose(startLine, [...shared, "To: <sip:bob@example.com>;tag=far", ...lines], body));
  if (isFault(parsed)) throw new Error(parsed.fault);
  return parsed;
}

const granted = {
  status: 200,
  response: message("SIP/2.0 200 OK", ["Expires: 600", "Contact: <sip:b@far>", "Record-Route: <sip:two;lr>, <sip:one;lr>"]),
};
const tell = (before: BackEnd, state: string, body = "", cseq = 5) => {
  const type = body === "" ? [] : ["Content-Type: application/pidf+xml"];
  const notify = message("NOTIFY sip:a@b SIP/2.0", [`Subscription-State: ${state}`, "Contact: <sip:b@far>", ...type], body);
  return notified(before, readNotified(notify, cseq, bodyOf(notify), "<sip:route.x@h;lr>"), now);
};

describe("a back-end subscription (RFC 4662 §2)", () => {
  it("is asked for as one of the user's phones would, and later in its dialog", () => {
    const lines = { watcher: "sip:alice@example.com", host: "example.com", branch: "z9hG4bKb", expires: 600, now: now + 500 };
    const first = composeSubscribe(fresh, lines).split("\r\n");
    expect(first).toEqual(
      expect.arrayContaining([
        "SUBSCRIBE sip:bob@example.com SIP/2.0",
        "From: <sip:alice@example.com>;tag=l",
        "To: <sip:bob@example.com>",
        "CSeq: 51 SUBSCRIBE",
        "Accept: application/pidf+xml",
        "Expires: 600",
      ]),
    );
    const later = composeSubscribe(answered(fresh, granted, now), lines).split("\r\n");
    expect(later).toEqual(
      expect.arrayContaining([
        "SUBSCRIBE sip:b@far SIP/2.0",
        "Route: <sip:one;lr>",
        "Route: <sip:two;lr>",
        "To: <sip:bob@example.com>;tag=far",
      ]),
    );
  });

  it("that is granted is refreshed before it ends; nothing is known yet", () => {
    expect(answered(fresh, granted, now)).toMatchObject({ state: undefined, expires: now + 600_000, due: now + 510_000 });
  });

  it.each([
    [403, "terminated", "rejected", undefined],
    [603, "terminated", "rejected", undefined],
    [421, "terminated", "rejected", undefined],
    [404, "terminated", "noresource", undefined],
    [302, "terminated", "noresource", undefined],
    [480, "terminated", "noresource", 1_800_000],
    [503, "terminated", "probation", 60_000],
    [408, "terminated", "probation", 60_000],
  ])("that is answered with %i is told as %s, %s", (status, state, reason, pause) => {
    const after = answered(fresh, { status, response: undefined }, now);
    expect([after.state, after.reason, after.body, after.expires]).toEqual([state, reason, undefined, 0]);
    expect(after.due).toBe(pause === undefined ? Number.MAX_SAFE_INTEGER : now + pause);
  });

  it("that as many watch as may is asked for again soon, and is not taken for somebody who never registered", () => {
    const full = { status: 480, response: message("SIP/2.0 480 Too many watchers for this user", ["Retry-After: 600"]) };
    expect(answered(fresh, full, now)).toMatchObject({ state: "terminated", reason: "probation", due: now + 60_000 });
  });

  it("that fails again and again is tried less and less often", () => {
    const pauses: number[] = [];
    let one: BackEnd = fresh;
    for (let count = 0; count < 7; count += 1) {
      one = answered(one, { status: 503, response: undefined }, now);
      pauses.push((one.due - now) / 1000);
    }
    expect(pauses).toEqual([60, 120, 240, 480, 960, 1800, 1800]);
  });

  it("whose refresh fails is shown until it would have ended", () => {
    const active = tell(answered(fresh, granted, now), "active;expires=600", "<p/>");
    const failing = answered(active, { status: 503, response: undefined }, now + 510_000);
    expect([failing.state, failing.body?.text, failing.due]).toEqual(["active", "<p/>", now + 570_000]);
    expect(answered(failing, { status: 503, response: undefined }, now + 600_000)).toMatchObject({
      state: "terminated",
      reason: "probation",
    });
  });

  it("whose dialog the other side has lost is begun again, and shown meanwhile", () => {
    const active = tell(answered(fresh, granted, now), "active;expires=600", "<p/>");
    expect(answered(active, { status: 481, response: undefined }, now)).toMatchObject({ remote: undefined, state: "active", due: now });
  });

  it.each([
    ["active;expires=600", "<p/>", "active", undefined, "<p/>"],
    ["Active ; expires=600", "<p/>", "active", undefined, "<p/>"],
    ["pending;expires=600", "", "pending", undefined, undefined],
    ["terminated;reason=rejected", "<p/>", "terminated", "rejected", undefined],
    ["terminated;reason=noresource", "", "terminated", "noresource", undefined],
    ["terminated;reason=giveup", "", "terminated", "giveup", undefined],
    ["terminated", "", "terminated", "giveup", undefined],
    ["active;expires=600", "x".repeat(65_537), "active", undefined, undefined],
  ])("that is notified of %s shows %#", (header, body, state, reason, shown) => {
    const after = tell(answered(fresh, granted, now), header, body);
    expect([after.state, after.reason, after.body?.text]).toEqual([state, reason, shown]);
  });

  it.each(["deactivated", "timeout"])("that was ended by %s is made again at once, and shown meanwhile", (reason) => {
    const active = tell(answered(fresh, granted, now), "active;expires=600", "<p/>");
    expect(tell(active, `terminated;reason=${reason}`)).toMatchObject({ remote: undefined, state: "active", due: now, expires: 0 });
  });

  it("that is ended as soon as it is made is made again less and less often", () => {
    const pauses: number[] = [];
    let one: BackEnd = fresh;
    for (let count = 0; count < 4; count += 1) {
      one = tell(answered(one, granted, now), "terminated;reason=timeout", "", count + 1);
      pauses.push((one.due - now) / 1000);
    }
    expect(pauses).toEqual([0, 60, 120, 240]);
  });

  it("that is ended as soon as it is made, though a faster NOTIFY named another time than the answer", () => {
    const pauses: number[] = [];
    let one: BackEnd = fresh;
    for (let count = 0; count < 4; count += 1) {
      one = answered(tell(one, "active;expires=5000", "", 2 * count + 1), granted, now);
      one = tell(one, "terminated;reason=timeout", "", 2 * count + 2);
      pauses.push((one.due - now) / 1000);
    }
    expect(pauses).toEqual([0, 60, 120, 240]);
  });

  it("that is granted for no time is not asked for again and again", () => {
    expect(answered(fresh, { status: 200, response: message("SIP/2.0 200 OK", ["Contact: <sip:b@far>"]) }, now).due).toBe(now + 30_000);
  });

  it("waits as long as Retry-After says", () => {
    expect(tell(fresh, "terminated;reason=probation;retry-after=4000").due).toBe(now + 4_000_000);
  });

  it("takes its route from the notification that was faster than the answer", () => {
    expect(tell(fresh, "active;expires=600", "<p/>").remote).toMatchObject({
      tag: "far",
      target: "sip:b@far",
      routes: ["<sip:route.x@h;lr>"],
    });
  });

  it("is news only if what is shown changes", () => {
    const active = tell(answered(fresh, granted, now), "active;expires=600", "<p/>");
    expect([
      isNews(fresh, active),
      isNews(active, tell(active, "active;expires=599", "<p/>", 6)),
      isNews(active, tell(active, "active", "<q/>", 7)),
    ]).toEqual([true, false, true]);
  });
});
