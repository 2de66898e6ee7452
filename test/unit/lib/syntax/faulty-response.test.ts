import { describe, expect, it } from "vitest";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { mendResponse } from "../../../../lib/syntax/faulty-response.ts";
import { readMandatoryHeaders } from "../../../../lib/syntax/mandatory-headers.ts";
import { headerValues } from "../../../../lib/syntax/message.ts";

const known = [
  "Via: SIP/2.0/TCP a.example;branch=z9hG4bK1",
  "v: SIP/2.0/WSS b.example;branch=z9hG4bK2,\r\n SIP/2.0/WSS c.example;branch=z9hG4bK3",
  "f: <sip:alice@example.com>;tag=a",
  "To: <sip:bob@example.com>;tag=b",
  "i: call",
  "CSeq: 1 INVITE",
];
const response = (startLine: string, more: readonly string[] = []) =>
  [startLine, ...known, ...more, "Content-Length: 0", "", ""].join("\r\n");

describe("a faulty response answers its request", () => {
  it.each([
    ["a NUL in the reason phrase", "SIP/2.0 486 Bu\0sy", [], 486],
    ["that of a 2xx", "SIP/2.0 200 O\0K", [], 200],
    ["that of a provisional response", "SIP/2.0 180 \0", [], 180],
    ["no space before the reason phrase", "SIP/2.0 603", ["X: \0"], 502],
    ["a NUL in a header of a refusal", "SIP/2.0 486 Busy", ["X: a\0b"], 502],
    ["a header without a colon", "SIP/2.0 404 Not Found", ["nothing"], 502],
    ["a body that is shorter than it says", "SIP/2.0 404 Not Found", ["Content-Length: 9"], 502],
  ] as const)("with %s", (_name, startLine, more, status) => {
    const mended = mendResponse(response(startLine, more));
    if (mended === undefined) throw new Error("it is not mended");
    expect(mended.status).toBe(status);
    expect(isFault(readMandatoryHeaders(mended))).toBe(false);
    expect(headerValues(mended, "via")).toHaveLength(3);
  });

  it.each([
    ["a 2xx with a fault in a header", response("SIP/2.0 200 OK", ["X: a\0b"])],
    ["a NUL in the To", response("SIP/2.0 486 Busy", []).replace("bob", "bo\0b")],
    ["a request", response("INVITE sip:bob@example.com SIP/2.0", ["X: a\0b"])],
    ["no status", response("SIP/2.0 999 What")],
    ["nothing", ""],
  ])("but not with %s", (_name, text) => {
    expect(mendResponse(text)).toBeUndefined();
  });
});
