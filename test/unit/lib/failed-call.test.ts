import { describe, expect, it } from "vitest";
import { fitting, hasCallId, isOfCall, withoutSecrets } from "../../../lib/failed-call.ts";
import { toOctets } from "../../../lib/syntax/octets.ts";
import type { TraceEntry } from "../../../lib/trace.ts";

const message = (method: string, lines: readonly string[] = [], body = ""): string =>
  [`${method} sip:a@b SIP/2.0`, "Call-ID: one", `CSeq: 1 ${method}`, ...lines, "", body].join("\r\n");

describe("which messages belong to a call", () => {
  it.each([
    [message("INVITE"), true],
    [message("CANCEL"), true],
    [message("ACK"), true],
    [message("PRACK"), true],
    ["SIP/2.0 486 Busy Here\r\ni : one\r\nCSEQ:1  INVITE\r\n\r\n", true],
    ["SIP/2.0 486 Busy Here\r\nCall-ID:\r\n one\r\nCSeq: 1\r\n INVITE\r\n\r\n", true],
    [message("INVITE").slice(0, -4), true],
    [message("MESSAGE", [], "for no one's eyes"), false],
    [message("INFO"), false],
    [message("BYE"), false],
    [message("INVITE").replace("Call-ID: one", "Call-ID: none"), false],
    [message("INVITE").replace("Call-ID: one", "Call-ID: other\r\nSubject: one"), false],
    [message("INVITE", ["Subject: x"], "\r\nCall-ID: one").replace("Call-ID: one", "Call-ID: other"), false],
    ["a note about one", false],
    ["", false],
  ])("%j: %s", (text, isOne) => {
    expect(isOfCall(text, "one")).toBe(isOne);
  });

  it("a Call-ID alone says it of any message", () => {
    expect([hasCallId(message("MESSAGE"), "one"), hasCallId(message("MESSAGE"), "on"), hasCallId("", "")]).toEqual([true, false, false]);
  });
});

describe("what is left out of a message that is kept", () => {
  it.each([
    ['Authorization: Digest username="a", response="f00"', "Authorization: ***"],
    ["proxy-authorization :Bearer abc.def", "proxy-authorization: ***"],
    ['AUTHORIZATION: Digest a="b",\r\n response="f00"', "AUTHORIZATION: ***"],
    ["Authorization:\r\n\tBasic YWxpY2U6b2ZmaG9vaw==", "Authorization: ***"],
    ["Subject: Authorization: none", "Subject: Authorization: none"],
  ])("%j becomes %j", (line, shown) => {
    expect(withoutSecrets(message("INVITE", [line, "Max-Forwards: 70"]))).toBe(message("INVITE", [shown, "Max-Forwards: 70"]));
  });

  it.each([
    ["a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret", "a=crypto:***"],
    ["a=ice-pwd:secret", "a=ice-pwd:***"],
    ["a=key-mgmt:mikey secret", "a=key-mgmt:***"],
    ["k=base64:secret", "k=***"],
    ["a=ice-ufrag:open", "a=ice-ufrag:open"],
  ])("in SDP, %j becomes %j", (line, shown) => {
    for (const type of ["Content-Type: application/sdp", "c:application/SDP;charset=utf-8"]) {
      expect(withoutSecrets(message("INVITE", [type], `v=0\r\n${line}\r\ns=-\r\n`))).toBe(
        message("INVITE", [type], `v=0\r\n${shown}\r\ns=-\r\n`),
      );
    }
  });

  it.each(["text/plain", "multipart/mixed;boundary=x", "application/sdpx", ""])("a body of %j", (type) => {
    const kept = withoutSecrets(message("INVITE", type === "" ? [] : [`Content-Type: ${type}`], "where I live"));
    expect(kept).toContain("(a body of 12 characters is not kept)");
    expect(kept).not.toContain("where I live");
  });

  it("nothing of a head that was cut", () => {
    expect(withoutSecrets("INVITE sip:a@b SIP/2.0\r\nAuthorization: Basic YWxp")).not.toContain("YWxp");
    for (const end of ["\n", "\r"])
      expect(withoutSecrets(`INVITE sip:a@b SIP/2.0\r\nX: y${end}Authorization: Bearer YWxp\r\n\r\n`)).not.toContain("YWxp");
  });
});

describe("what fits of a call", () => {
  const entry = (text: string, at = 1): TraceEntry => ({ at, direction: "in", flow: "12345678", text });
  const octets = (entries: readonly TraceEntry[]) => toOctets(JSON.stringify(entries)).length;

  it("is all of it, if it is short", () => {
    const short = [entry("INVITE"), entry("100"), entry("486")];
    expect([fitting(short), fitting([])]).toEqual([short, []]);
  });

  it("is the first message and the newest ones, and how many are missing", () => {
    const kept = fitting(Array.from({ length: 40 }, (_none, at) => entry("x".repeat(1000), at)));
    expect([kept[0]?.at, kept.at(-1)?.at, kept[1]?.text]).toEqual([0, 39, `the next ${40 - kept.length + 1} messages are not kept`]);
    expect(kept.slice(2).map(({ at }) => at)).toEqual(kept.slice(2).map((_none, index) => 40 - (kept.length - 2) + index));
  });

  it.each(["x", "ü", "\0", "😀", '"'])("has 16 KiB and a little at most, of whatever it consists: %j", (letter) => {
    const kept = fitting(Array.from({ length: 10 }, () => entry(letter.repeat(16_384 / letter.length))));
    expect(octets(kept)).toBeLessThan(17_000);
    expect(kept[0]?.text).toMatch(/\r\n\(\d+ more characters are not kept\)$/);
    expect(kept.every(({ text }) => text.isWellFormed())).toBe(true);
  });
});
