import { describe, expect, it } from "vitest";
import { serialiseDate } from "../../../../lib/syntax/date.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type Request, parseMessage } from "../../../../lib/syntax/message.ts";
import { callToSign, diversionClaims, shakenClaims } from "../../../../lib/stir/call-to-sign.ts";
import { buildPassport } from "../../../../lib/stir/passport.ts";
import { compose } from "../../../support/compose.ts";

const now = Date.UTC(2026, 10, 30);
const caller = "From: <sip:+12155551212@example.com>;tag=1";
const called = "sip:+4930555@example.com";

function invite(uri: string, ...lines: readonly string[]): Request {
  const parsed = parseMessage(compose(`INVITE ${uri} SIP/2.0`, [...lines, "Call-ID: 1", "CSeq: 1 INVITE"]));
  if (isFault(parsed) || parsed.kind !== "request") throw new Error("not a request");
  return parsed;
}

describe("what is signed of a call (RFC 8224 §6.1)", () => {
  it("the caller's number and the number that is called, as digits", () => {
    const call = callToSign(invite("sip:+49-30-555@trunk.example", caller, `To: <${called}>`), "e164", undefined, now);
    expect(call).toEqual({ number: "12155551212", called: { tn: "4930555" }, dialled: "4930555" });
  });

  it("what the caller dialled stands in To; what it means, in the Request-URI (§8.3)", () => {
    const call = callToSign(invite("sip:+4930555@trunk.example", caller, "To: <sip:030555@example.com>"), "e164", undefined, now);
    expect(call).toMatchObject({ called: { tn: "4930555" } });
  });

  it("an asserted number comes before that of From", () => {
    const request = invite(called, caller, "P-Asserted-Identity: <sip:+4911@example.com>", `To: <${called}>`);
    expect(callToSign(request, "e164", undefined, now)).toMatchObject({ number: "4911" });
  });

  it.each<[why: string, request: Request]>([
    ["international telephone number", invite(called, "From: <sip:alice@example.com>;tag=1", `To: <${called}>`)],
    ["international telephone number", invite(called, "From: <sip:1001@example.com>;tag=1", `To: <${called}>`)],
    ["international telephone number", invite(called, "From: <sip:anonymous@anonymous.invalid>;tag=1", `To: <${called}>`)],
    ["international telephone number", invite(called, "From: <sip:+12155551212@Anonymous.Invalid>;tag=1", `To: <${called}>`)],
    ["not a telephone number", invite("sip:bob@trunk.example", caller, "To: <sip:bob@example.com>")],
    ["Date", invite(called, caller, `To: <${called}>`, `Date: ${serialiseDate(now - 61_000)}`)],
    ["Date", invite(called, caller, `To: <${called}>`, "Date: yesterday")],
  ])("nothing: %s", (why, request) => {
    const call = callToSign(request, "e164", undefined, now);
    expect("why" in call && call.why).toContain(why);
  });

  it("a forwarding is signed besides: from whom, and to whom (RFC 8946)", () => {
    const request = invite("sip:+49999@trunk.example", caller, `To: <${called}>`);
    const call = callToSign(request, "e164", called, now);
    if ("why" in call) throw new Error(call.why);
    expect(shakenClaims(call, "A", "x", 1)).toEqual({
      attest: "A",
      dest: [{ tn: "4930555" }],
      iat: 1,
      orig: { tn: "12155551212" },
      origid: "x",
    });
    expect(diversionClaims(call, 1)).toEqual({ dest: [{ tn: "49999" }], div: { tn: "4930555" }, iat: 1, orig: { tn: "12155551212" } });
    const byName = callToSign(request, "e164", "sip:bob@example.com", now);
    expect(byName).toMatchObject({ called: { uri: "sip:bob@example.com" } });
  });
});

it("a PASSporT has its members in their order, and no spaces (RFC 8225 §9, RFC 8588 §8)", () => {
  const claims = { origid: "o", orig: { tn: "1" }, iat: 1443208345, dest: [{ tn: "2" }, { uri: "sip:a@b" }], attest: "C" } as const;
  const { header, claims: text } = buildPassport(claims, "https://cert.example.org/passport.cer", "shaken");
  expect(JSON.stringify(header)).toBe('{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example.org/passport.cer"}');
  expect(text).toBe('{"attest":"C","dest":{"tn":["2"],"uri":["sip:a@b"]},"iat":1443208345,"orig":{"tn":"1"},"origid":"o"}');
});
