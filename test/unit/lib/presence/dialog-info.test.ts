import { describe, expect, it } from "vitest";
import { readCallDetails } from "../../../../lib/presence/call-details.ts";
import { type DialogView, dialogInfo, dialogNamedIn, ofNamed } from "../../../../lib/presence/dialog-info.ts";
import { parseEvent } from "../../../../lib/syntax/event.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { faultOf } from "../../../support/documents.ts";
import { receive } from "../support/sip.ts";

const details = {
  ...{ callId: "a<b", localTag: "l", remoteTag: "r&r", remote: 'sip:carol@h;x="y"', target: "sip:carol@h.invalid", isCaller: false },
};
const ringing: DialogView = { id: "1", state: "early", direction: "recipient", details };

describe("dialog-info (RFC 4235 §4)", () => {
  it.each([
    ["nothing", [], false, /state="full" entity="sip:bob@example.com"><\/dialog-info>/],
    ["to others: the state, and who began", [ringing], false, /<dialog id="1" direction="recipient"><state>early<\/state><\/dialog>/],
    [
      "to the user: tags and the other side",
      [ringing],
      true,
      /call-id="a&lt;b" local-tag="l" remote-tag="r&amp;r" .*<identity>sip:carol@h;x=&quot;y&quot;<\/identity><target uri="sip:carol@h.invalid"\/>/,
    ],
    [
      "an early dialog whose tag is not known",
      [{ ...ringing, details: { ...details, localTag: "" } }],
      true,
      /call-id="a&lt;b" remote-tag="r&amp;r"/,
    ],
    ["a call of which no more is known", [{ ...ringing, direction: undefined, details: undefined }], true, /<dialog id="1"><state>/],
  ])("tells %s", (_rule, dialogs, isOwner, expected) => {
    const text = dialogInfo("sip:bob@example.com", dialogs, 3, isOwner);
    expect(faultOf("application/dialog-info+xml", text)).toBeUndefined();
    expect(text).toMatch(expected);
  });

  it("has what it tells of a call from its messages, unless that is too long to be remembered", () => {
    const { request } = receive("INVITE sip:bob@example.com", "Contact: <sip:alice@h.invalid>");
    expect(readCallDetails(request, request, false)).toEqual({
      ...{ callId: "call", localTag: "", remoteTag: "a", isCaller: false },
      ...{ local: "sip:bob@example.com", remote: "sip:alice@example.com", target: "sip:alice@h.invalid" },
    });
    expect(readCallDetails(request, request, true)).toMatchObject({ localTag: "a", remoteTag: "", remote: "sip:bob@example.com" });
    const long = receive("INVITE sip:bob@example.com", `Call-ID: ${"x".repeat(200)}`, "Contact: <sip:alice@h.invalid>").request;
    expect(readCallDetails(long, long, false)).toBeUndefined();
  });
});

describe("one dialog that is named in Event (RFC 4235 §3.2)", () => {
  const call = (callId: string) => ({
    ...{ id: callId, state: "confirmed" as const, direction: undefined },
    details: { callId, localTag: "one", remoteTag: "two", remote: "sip:a@b", target: "", isCaller: true },
  });
  const shown = (event: string) => {
    const parsed = parseEvent(event);
    return isFault(parsed) ? parsed : ofNamed([call("first"), call("second")], dialogNamedIn(parsed.parameters)).map(({ id }) => id);
  };

  it.each([
    ["dialog", ["first", "second"]],
    ['dialog;call-id="first";from-tag="one";to-tag="two"', ["first"]],
    ['dialog;call-id="first";from-tag=two;to-tag=one', ["first"]],
    ["dialog;call-id=second", ["second"]],
    ['dialog;call-id="first";from-tag="three";to-tag="two"', []],
    ['dialog;call-id="nothing-like-it@localhost";from-tag="x1";to-tag="x2"', []],
  ])("%s shows %j", (event, ids) => {
    expect(shown(event)).toEqual(ids);
  });
});
