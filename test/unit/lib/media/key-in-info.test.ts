import { expect, it } from "vitest";
import { keyInInfo } from "../../../../lib/media/key-in-info.ts";
import { receive } from "../support/sip.ts";

function keyIn(type: string, body: string, method = "INFO") {
  const { request } = receive(`${method} sip:bob@example.com`, `Content-Type: ${type}`);
  const text = `${request.text}${body}`;
  return keyInInfo({ ...request, text, bodyAt: request.text.length });
}

it.each([
  ["Signal=5\r\nDuration=160\r\n", "5", 160],
  ["Signal= *\nDuration= 99999\n", "*", 5000],
  ["signal=d", "D", 250],
  ["Duration=1\r\nSignal=#", "#", 40],
])("of application/dtmf-relay: %j", (body, code, duration) => {
  expect(keyIn("application/dtmf-relay;x=y", body)).toEqual({ code, duration });
});

it.each([
  ["application/dtmf", "0\r\n", { code: "0", duration: 250 }],
  ["Application/DTMF", "a", { code: "A", duration: 250 }],
  ["application/dtmf", "00", undefined],
  ["application/dtmf-relay", "Signal=E", undefined],
  ["application/dtmf-relay", "", undefined],
  ["text/plain", "5", undefined],
])("of %s: %j", (type, body, expected) => {
  expect(keyIn(type, body)).toEqual(expected);
});

it("of no other method", () => {
  expect(keyIn("application/dtmf", "5", "MESSAGE")).toBeUndefined();
});
