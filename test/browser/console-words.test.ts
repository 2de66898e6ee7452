import { describe, expect, it } from "vitest";
import type { CallEvent, CallRecord } from "../../web/console/api.ts";
import { duration, explainCall, explainVerification, shortName } from "../../web/console/explain.ts";
import { ladderOf } from "../../web/console/ladder.ts";
import { at, call, step } from "./console-records.ts";

const ringing = [...call().timeline, step(1, "provisional", { branch: 0, status: 180 })];

describe("why a call ended", () => {
  it.each<[Partial<CallRecord>, string]>([
    [
      { outcome: "answered", answered: at(12), seconds: 65, ended_by: "callee" },
      "It was answered after 12 s and lasted 1 min 5 s. The called side hung up.",
    ],
    [
      { outcome: "answered", answered: at(1), seconds: 3700, ended_by: "network" },
      "It was answered after 1 s and lasted 1 h 1 min. A phone lost its connection and did not come back.",
    ],
    [
      { outcome: "answered", answered: at(1), seconds: 5, ended_by: "server" },
      "It was answered after 1 s and lasted 5 s. An administrator ended it.",
    ],
    [{ timeline: ringing }, "It rang on one phone for 30 s and was not answered."],
    [{ timeline: [...ringing, step(1, "provisional", { branch: 1, status: 180 })] }, "It rang on 2 phones for 30 s and was not answered."],
    [{ rang: null, timeline: [step(0, "invite")] }, "No phone of bob@example.com was connected."],
    [
      { rang: null, timeline: [...call().timeline, step(3, "flow lost", { branch: 0 })] },
      "A phone of bob@example.com lost its connection, and did not come back in time.",
    ],
    [{ rang: null }, "No answer came: Offhook answered 408 Request Timeout."],
    [
      { outcome: "busy", status: 486, why: "this user does not accept calls now (do_not_disturb)" },
      "bob@example.com was busy: this user does not accept calls now (do_not_disturb) (486).",
    ],
    [
      { outcome: "busy", status: 486, reason: "Busy Here", ended_by: "callee", trunk: "provider" },
      "bob@example.com was busy: the server of the trunk provider answered 486 Busy Here after 31 s.",
    ],
    [
      { outcome: "declined", status: 603, reason: "Decline", ended_by: "callee" },
      "bob@example.com declined it: a phone answered 603 Decline after 31 s.",
    ],
    [{ outcome: "cancelled", ended_by: "caller" }, "The caller gave up after 31 s."],
    [{ outcome: "cancelled", ended_by: "network" }, "The caller lost the connection, so the call was given up after 31 s."],
    [{ outcome: "cancelled", ended_by: "server" }, "An administrator ended it after 31 s, before it was answered."],
    [{ outcome: "answered elsewhere" }, "The caller's side gave it up because it was answered at another place."],
    [{ outcome: "redirected", status: 302 }, "The caller was told to call another address (302)."],
    [{ outcome: "failed", status: 404, callee: null, why: "there is no such user" }, "It failed: there is no such user (404)."],
  ])("%j", (changes, text) => {
    expect(explainCall(call(changes))).toBe(text);
  });

  it.each([
    ['"Alice A" <sip:alice@example.com>;tag=1', "Alice A"],
    ["<sip:alice@example.com>;tag=1", "alice@example.com"],
    ["sips:alice@example.com;tag=1", "alice@example.com"],
    ["sip:+493012345@example.com", "+493012345@example.com"],
  ])("%s is called %s", (value, name) => {
    expect(shortName(value)).toBe(name);
  });

  it("says durations as people do", () => {
    expect([0, 59, 60, 3599, 3600].map(duration)).toEqual(["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min"]);
  });
});

describe("the ladder diagram", () => {
  it("has a lane for the caller, Offhook, and each phone and address, and an arrow for each message", () => {
    const { lanes, rungs } = ladderOf(
      call({
        ...{ outcome: "answered", status: 200, reason: "OK" },
        devices: [{ branch: 0, user_agent: "Desk 1", way: "dedicated" }],
        timeline: [
          ...ringing,
          step(2, "flow lost", { branch: 0 }),
          step(3, "forwarded", { branch: 1, to: "sip:carol@example.com", why: "no-answer" }),
          step(3, "cancel", { branch: 0 }),
          step(4, "final", { branch: 1, status: 200 }),
          step(4, "final", { status: 200 }),
          step(9, "bye", { by: "callee" }),
        ],
      }),
    );
    expect(lanes.map(({ title }) => title)).toEqual(["alice@example.com", "Offhook", "Desk 1", "carol@example.com"]);
    expect(rungs.map(({ from, to, label, after }) => `${after} ${from}>${to} ${label}`)).toEqual([
      ...["0 0>1 INVITE", "0 1>2 INVITE", "1000 2>1 180", "2000 2>2 connection lost", "3000 1>3 INVITE (no-answer)", "3000 1>2 CANCEL"],
      ...["4000 3>1 200", "4000 1>0 200 OK", "9000 3>1 BYE", "9000 1>0 BYE"],
    ]);
  });

  it.each<[CallEvent, readonly string[]]>([
    [step(1, "cancel", { by: "caller" }), ["0>1 CANCEL"]],
    [step(1, "cancel", { by: "network" }), ["0>0 connection lost"]],
    [step(1, "cancel", { by: "server" }), ["1>1 an administrator ended it"]],
    [step(1, "bye", { by: "caller" }), ["0>1 BYE", "1>2 BYE"]],
    [step(1, "bye", { by: "network" }), ["1>1 a phone is gone", "1>0 BYE", "1>2 BYE"]],
    [step(1, "waiting", { branch: 0, to: "sip:bob@x.invalid" }), ["2>2 is away: waits"]],
  ])("draws %j", (event, drawn) => {
    const { rungs } = ladderOf(
      call({ timeline: [step(0, "sent", { branch: 0, to: "sip:b@x" }), step(0, "final", { branch: 0, status: 200 }), event] }),
    );
    expect(rungs.slice(2).map(({ from, to, label }) => `${from}>${to} ${label}`)).toEqual(drawn);
  });
});

describe("whether the caller is who the number says", () => {
  const verification = { result: "passed", number: "12155551212", attestation: "A", origin_id: "x", why: null } as const;

  it.each([
    [null, ""],
    [verification, "+12155551212: verified, attestation A"],
    [{ ...verification, attestation: null }, "+12155551212: verified"],
    [{ ...verification, result: "failed", why: "the signature is wrong" }, "+12155551212: not verified, the signature is wrong"],
    [{ ...verification, result: "none", number: null, why: "the caller has no number" }, "not verified, the caller has no number"],
  ] as const)("%j: %s", (found, text) => {
    expect(explainVerification(found)).toBe(text);
  });
});
