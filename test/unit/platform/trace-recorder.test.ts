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
  ])("%j is shown as %j", (text, shown) => {
    expect(maskCredentials(`MESSAGE sip:a@b SIP/2.0\r\n${text}\r\n\r\n`)).toBe(`MESSAGE sip:a@b SIP/2.0\r\n${shown}\r\n\r\n`);
  });
});
