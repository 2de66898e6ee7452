import { describe, expect, it } from "vitest";
import { parseCSeq } from "../../../../lib/syntax/cseq.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { readMandatoryHeaders } from "../../../../lib/syntax/mandatory-headers.ts";
import { parseMessage } from "../../../../lib/syntax/message.ts";

const lines = (callId: string, tag: string, method: string): string =>
  [
    `${method} sip:bob@example.com SIP/2.0`,
    "Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK1",
    `From: <sip:a@example.com>;tag=${tag}`,
    "To: <sip:bob@example.com>",
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    "",
    "",
  ].join("\r\n");

function whyRefused(callId: string, tag: string, method = "INVITE"): string | undefined {
  const message = parseMessage(lines(callId, tag, method));
  const read = isFault(message) ? message : readMandatoryHeaders(message);
  return isFault(read) ? `${read.status} ${read.fault}` : undefined;
}

describe("a method (RFC 3261 §7.1)", () => {
  it.each(["invite", "Invite", "iNVITE", "ack", "bye", "refer", "nOTIFY", "message", "publish", "Update"])(
    "that another reader would take for a known one is refused: %s",
    (method) => {
      expect(whyRefused("c", "t", method)).toBe(`400 the method ${method.toUpperCase()} has to be written in capitals`);
      expect(isFault(parseCSeq(`1 ${method}`))).toBe(true);
    },
  );

  it.each(["INVITE", "UNKNOWN", "unknown", "X-a"])("that is a known one, or like none, passes: %s", (method) => {
    expect(whyRefused("c", "t", method)).toBeUndefined();
  });
});

describe("what names a dialog is ASCII (RFC 3261 §25.1)", () => {
  it.each(["\u00fcber", "a\u0080", "caf\u00c3\u00a9@host"])("or the Call-ID is refused: %j", (callId) => {
    expect(whyRefused(callId, "t")).toBe("400 the Call-ID is malformed");
  });

  it.each(['"\u00fc"', '"a\u0080b"'])("or the tag is refused: %j", (tag) => {
    expect(whyRefused("c", tag)).toBe("400 a tag has characters that are not ASCII");
  });

  it.each(["a@b", "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"])("and else wide: %j", (callId) => {
    expect(whyRefused(callId, "t")).toBeUndefined();
  });
});
