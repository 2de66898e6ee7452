import { describe, expect, it } from "vitest";
import { withoutSecrets } from "../../../lib/failed-call.ts";
import { maskCredentials } from "../../../platform/trace-recorder.ts";

const device = 'pn-provider=webpush;pn-prid="https%3A%2F%2Fpush.example%2FSECRET";x-pn-p256dh=SECRET;x-pn-auth=SECRET';
const register = `REGISTER sip:example.com SIP/2.0\r\nContact: <sip:alice@x.invalid;transport=ws>;${device};q=0.5\r\n\r\n`;
const inUri = `REGISTER sip:example.com SIP/2.0\r\nContact: <sip:alice@x.invalid;pn-provider=fcm;pn-prid=SECRET>;q=0.5\r\n\r\n`;
const media = "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET\r\na=ice-pwd:SECRET\r\nk=clear:SECRET\r\na=sendrecv\r\n";
const invite = `INVITE sip:bob@example.com SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n${media}`;
const credentials = ["Authorization : Bearer SECRET", "authorization\t: Bearer\r\n SECRET", "Proxy-Authorization:Basic SECRET"];

describe.each([
  ["what is kept and exported", withoutSecrets],
  ["what a trace shows", maskCredentials],
] as const)("%s", (_what, mask) => {
  it.each<readonly [string, string, string]>([
    ["where push notifications go, and their keys", register, "q=0.5"],
    ["the same in a URI", inUri, "q=0.5"],
    ["keys of media", invite, "a=sendrecv"],
    ...credentials.map((line) => [line, `INVITE sip:a@b SIP/2.0\r\n${line}\r\nSubject: x\r\n\r\n`, "Subject: x"] as const),
  ])("has no secrets: %s", (_name, text, rest) => {
    expect(mask(text)).not.toContain("SECRET");
    expect(mask(text)).toContain(rest);
  });
});

it("a session description keeps its length, since programs that read a capture file count it", () => {
  expect(maskCredentials(invite).length).toBe(invite.length);
});
