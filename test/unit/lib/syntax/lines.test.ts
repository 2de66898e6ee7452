import { describe, expect, it } from "vitest";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { parseMessage } from "../../../../lib/syntax/message.ts";

/** RFC 3261 §25.1: a line ends with CRLF, and neither of the two stands alone in one. Some elements end lines at either. */
describe("a line that holds half a line break is malformed", () => {
  const request = ["OPTIONS sip:b@c SIP/2.0", "Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK1"];
  const message = (start: string, lines: readonly string[], body = "") =>
    parseMessage([start, ...lines, `Content-Length: ${body.length}`, "", body].join("\r\n"));

  it.each(["\r", "\n", "\n\r", "\r\r\n x"])("%j in a header line", (half) => {
    expect(message(request[0] as string, [request[1] as string, `Subject: a${half}Evil: b`])).toMatchObject({ status: 400 });
  });

  it.each(["\r", "\n"])("%j in a folded one", (half) => {
    expect(message(request[0] as string, [request[1] as string, `Subject: a\r\n b${half}c`])).toMatchObject({ status: 400 });
  });

  it.each(["\r", "\n"])("%j in a start line", (half) => {
    expect(message(`OPTIONS sip:b@c${half}SIP/2.0`, request.slice(1))).toMatchObject({ status: 400 });
    expect(message(`SIP/2.0 200 OK${half}Evil: b`, request.slice(1))).toMatchObject({ status: 400 });
  });

  it.each(["\r", "\n", "\n\n\r\r"])("%j in a body is the body's business", (half) => {
    expect(isFault(message(request[0] as string, request.slice(1), `a${half}b`))).toBe(false);
  });

  it("a NUL may only be escaped in a quoted text, or stand in a body (RFC 3261 §25.1)", () => {
    const isRefused = (start: string, line: string, body = "") => isFault(message(start, [request[1] as string, line], body));
    const [start = ""] = request;
    expect([isRefused(start, "Subject: a\0b"), isRefused("SIP/2.0 486 a\0b", "Subject: a")]).toEqual([true, true]);
    expect([isRefused(start, "Subject: a\\\0b"), isRefused(start, 'Subject: "a\\\\\0"')]).toEqual([true, true]);
    expect([isRefused(start, 'Subject: "a\\\0b"'), isRefused(start, "Subject: a", "a\0b")]).toEqual([false, false]);
  });
});
