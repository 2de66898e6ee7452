import { describe, expect, it } from "vitest";
import { wantsCall } from "../../../lib/domain-trace.ts";

const now = Date.UTC(2026, 0, 1);
const until = now + 60_000;
const invite = (uri: string, lines: readonly string[] = [], cseq = "1 INVITE") =>
  [`INVITE ${uri} SIP/2.0`, "f: <sip:alice@a.example>;tag=1", "To: <sip:bob@a.example>", ...lines, `CSeq: ${cseq}`, "", ""].join("\r\n");

describe("the calls whose messages are kept", () => {
  it("are all that begin in the time", () => {
    const text = invite("sip:bob@a.example");
    expect(wantsCall({ until }, text, "x", now)).toBe(true);
    expect(wantsCall({ until }, text, "x", until)).toBe(false);
    expect(wantsCall(undefined, text, "x", now)).toBe(false);
  });

  it("begin with INVITE, or a response to one", () => {
    expect(wantsCall({ until }, invite("sip:bob@a.example", [], "2 OPTIONS"), "x", now)).toBe(false);
    expect(wantsCall({ until }, "SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n", "x", now)).toBe(true);
  });

  it.each([
    ["sip:+4930123@a.example", []],
    ["sip:004930123@a.example;user=phone", []],
    ["tel:+49-30-123", []],
    ["sip:bob@192.0.2.1", ["P-Asserted-Identity: <sip:+49(30)123@a.example>"]],
  ])("are those of a number: %s %j", (uri, lines) => {
    expect(wantsCall({ until, number: "+49 30 123" }, invite(uri, lines), "x", now)).toBe(true);
    expect(wantsCall({ until, number: "+49301" }, invite(uri, lines), "x", now)).toBe(false);
  });

  it("are those from a number, and to it", () => {
    const from = invite("sip:bob@a.example").replace("sip:alice@", "sip:+4930123@");
    const to = invite("sip:bob@a.example").replace("To: <sip:bob@", "To: <sip:+4930123@");
    for (const text of [from, to]) expect(wantsCall({ until, number: "+4930123" }, text, "x", now)).toBe(true);
    expect(wantsCall({ until, number: "+4930123" }, invite("sip:bob@a.example"), "x", now)).toBe(false);
  });

  it("are one in so many, which follows from the Call-ID alone", () => {
    const text = invite("sip:bob@a.example");
    const other = invite("sip:carol@b.example", ["Subject: x"]);
    const ids = Array.from({ length: 20_000 }, (_, number) => `call-${number}@a.example`);
    const chosen = ids.filter((id) => wantsCall({ until, oneIn: 100 }, text, id, now));
    expect(chosen.length).toBeGreaterThan(150);
    expect(chosen.length).toBeLessThan(250);
    expect(ids.filter((id) => wantsCall({ until, oneIn: 100 }, other, id, now))).toEqual(chosen);
  });
});
