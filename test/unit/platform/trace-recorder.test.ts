import { describe, expect, it } from "vitest";
import { maskCredentials } from "../../../platform/trace-recorder.ts";

describe("what is masked in a trace", () => {
  it.each([
    [
      'Authorization: Digest username="a", response="0123456789abcdef0123456789abcdef", nc=1',
      'Authorization: Digest username="a", response="***", nc=1',
    ],
    ['proxy-authorization: digest Response = "f00"', 'proxy-authorization: digest response="***"'],
    [`Authorization: Digest response=${"0a".repeat(32)}, x=y`, 'Authorization: Digest response="***", x=y'],
    ["Authorization: Basic YWxpY2U6b2ZmaG9vaw==", "Authorization: Basic ***"],
    ["Proxy-Authorization : Bearer abc.def\r\nSubject: Bearer abc", "Proxy-Authorization : Bearer ***\r\nSubject: Bearer abc"],
    ["Subject: response=soon", "Subject: response=soon"],
    ["Contact: <sip:bob:geheim@example.com:5061;transport=ws>", "Contact: <sip:bob:***@example.com:5061;transport=ws>"],
    ["To: SIPS:bob:a:b@example.com", "To: SIPS:bob:***@example.com"],
    ["To: <sip:sipgate12:secret@example.com>", "To: <sip:sipgate12:***@example.com>"],
    ["To: <sip:bob:sip123@example.com>", "To: <sip:bob:***@example.com>"],
    ['To: "sip" <sip:bob@example.com>, "x" <sip:c:d@e>', 'To: "sip" <sip:bob@example.com>, "x" <sip:c:***@e>'],
    ["Refer-To: <sip:bob@example.com?Authorization=SEC4&Subject=x>", "Refer-To: <sip:bob@example.com?Authorization=***&Subject=***>"],
    ["Contact: <sip:bob@example.com:5061>, <sip:c@d>", "Contact: <sip:bob@example.com:5061>, <sip:c@d>"],
    ["Call-ID: 12:30@example.com", "Call-ID: 12:30@example.com"],
  ])("%j is shown as %j", (text, shown) => {
    expect(maskCredentials(`MESSAGE sip:a@b SIP/2.0\r\n${text}\r\n\r\n`)).toBe(`MESSAGE sip:a@b SIP/2.0\r\n${shown}\r\n\r\n`);
  });
});
