import { describe, expect, it } from "vitest";
import { describeEnd } from "../../web/phone/endings.ts";

const end = { cause: "SIP Failure Code", status: undefined, reason: "", isRemote: true };
const bob = "bob@example.com";

describe("what is said of a call that has ended", () => {
  it.each([
    [undefined, `${bob} gave up`],
    ['SIP;cause=200;text="Call completed elsewhere"', `${bob}'s call was answered on another of your phones`],
    ['SIP ;cause=200 ;text="x"', `${bob}'s call was answered on another of your phones`],
    ['SIP;text="by ; me";cause=200', `${bob}'s call was answered on another of your phones`],
    ['Q.850;cause=16;text="a, b", SIP;cause=200', `${bob}'s call was answered on another of your phones`],
    ["SIP;cause=603", `${bob}'s call was declined on another of your phones`],
    ["sip;CAUSE=486", `${bob}'s call was declined on another of your phones`],
    ["SIP;cause=302", `${bob}'s call went on to another phone`],
    ["Q.850;cause=200", `${bob} gave up`],
    ["SIP;cause=", `${bob} gave up`],
    ["SIP", `${bob} gave up`],
    [";;;=,", `${bob} gave up`],
    ['SIP;cause=480;text="an administrator has ended the call"', `An administrator ended the call with ${bob}`],
  ])("a CANCEL with the Reason %j (RFC 3326)", (reasonHeader, text) => {
    expect(describeEnd(bob, { ...end, cause: "Canceled", reasonHeader })).toEqual({ text, isFailure: false });
  });

  it.each([
    ["the other side answered with 486", `${bob} is busy (486)`, "busy"],
    ["the other side answered with 404", `${bob} does not exist, or forwards calls to an address that does not exist (404)`, "failed"],
    ["the other side answered with 499", "The call failed:  (499)", "failed"],
    ["the other side did not answer", `${bob} did not answer (408)`, "failed"],
  ])("a call of an application that failed: %s", (why, text, tone) => {
    const reasonHeader = `SIP;cause=480;text="${why}"`;
    expect(describeEnd(bob, { ...end, cause: "Terminated", reasonHeader })).toEqual({ text, isFailure: true, tone });
  });

  it.each([
    [undefined, `${bob} hung up`],
    ['SIP;cause=200;text="bye"', `${bob} hung up`],
    ['SIP;cause=480;text="an administrator has ended the call"', `An administrator ended the call with ${bob}`],
    ['SIP;cause=480;text="the other side has lost its connection"', `${bob} lost the connection, so the call was ended`],
  ])("a BYE with the Reason %j (RFC 3326)", (reasonHeader, text) => {
    expect(describeEnd(bob, { ...end, cause: "Terminated", reasonHeader })).toEqual({ text, isFailure: false, tone: "ended" });
  });

  it.each([true, false])("a request of ours that crosses the BYE of the other side (481; heard as remote: %s)", (isRemote) => {
    expect(describeEnd(bob, { ...end, cause: "Dialog Error", isRemote })).toEqual({ text: `${bob} hung up`, isFailure: false });
  });

  it.each([
    [404, "Not Found", '399 offhook "there is no such user"', `${bob} does not exist (404)`, "failed"],
    [
      ...([488, "Not Acceptable Here", '302 offhook "the phone offers WebRTC media, the trunk carrier speaks plain RTP"'] as const),
      ...([
        `A call to ${bob} has no audio: the telephone network there speaks other media, and the server has nothing that converts them (488)`,
        "failed",
      ] as const),
    ],
    [404, "Not Found", undefined, `${bob} does not exist, or forwards calls to an address that does not exist (404)`, "failed"],
    [
      482,
      "Loop Detected",
      undefined,
      `The call was forwarded in a circle: ${bob} forwards calls to an address that forwards them back (482)`,
      "failed",
    ],
    [486, "Busy Here", undefined, `${bob} is busy (486)`, "busy"],
    [600, "Busy Everywhere", undefined, `${bob} is busy on all phones (600)`, "busy"],
    [603, "Decline", undefined, `${bob} declined (603)`, "busy"],
    [499, "What Nobody Knows", undefined, "The call failed: What Nobody Knows (499)", "failed"],
  ])("a refusal with %d %s, Warning %j", (status, reason, warning, text, tone) => {
    expect(describeEnd(bob, { ...end, status, reason, warning })).toEqual({ text, isFailure: true, tone });
  });

  it.each([
    ["Terminated", true, { text: `${bob} hung up`, isFailure: false, tone: "ended" }],
    ["Terminated", false, { text: "You hung up", isFailure: false }],
    ["Canceled", false, { text: "You gave up", isFailure: false }],
    ["Connection Error", false, { text: `The connection was lost before ${bob} answered`, isFailure: true, tone: "failed" }],
  ])("%s, by the other side: %s", (cause, isRemote, ending) => {
    expect(describeEnd(bob, { ...end, cause, isRemote })).toEqual(ending);
  });
});
