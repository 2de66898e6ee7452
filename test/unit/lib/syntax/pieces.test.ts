import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { headerValue, headerValues, parseMessage } from "../../../../lib/syntax/message.ts";
import { readMandatoryHeaders } from "../../../../lib/syntax/mandatory-headers.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Characters of a body, and messages. */
const [length, count] = [200_000, 200];

function usedMegabytes(): number {
  collect();
  return process.memoryUsage().heapUsed / 1_000_000;
}

function received(index: number) {
  const ids = [
    `From: "Mallory the caller" <sip:mallory-${index}@example.com>;tag=abcdefghijklmnop${index}`,
    `To: <sip:bob-${index}@example.com>`,
  ];
  const more = [`Call-ID: abcdefghijklmnopqrstuvwxyz${index}`, `Contact: <sip:a-contact-that-is-long-${index}@a.invalid>`];
  const via = `Via: SIP/2.0/WSS a.invalid;branch=z9hG4bKabcdefghijklmnop${index}`;
  const lines = [
    `MESSAGE sip:bob-the-callee-${index}@example.com SIP/2.0`,
    via,
    ...ids,
    ...more,
    "CSeq: 1 MESSAGE",
    `Content-Length: ${length}`,
  ];
  // One flat text, as it comes from a socket.
  const message = parseMessage(Buffer.from([...lines, "", "x".repeat(length)].join("\r\n"), "latin1").toString("latin1"));
  const mandatory = isFault(message) ? message : readMandatoryHeaders(message);
  if (isFault(message) || isFault(mandatory)) throw new Error("the message is not understood");
  return { message, mandatory };
}

it.each([
  ["the Request-URI", ({ message }: ReturnType<typeof received>) => message.kind === "request" && message.requestUri],
  ["a branch", ({ mandatory }: ReturnType<typeof received>) => mandatory.via.branch],
  ["a Call-ID", ({ mandatory }: ReturnType<typeof received>) => mandatory.callId],
  ["a tag", ({ mandatory }: ReturnType<typeof received>) => mandatory.fromTag],
  ["a To", ({ mandatory }: ReturnType<typeof received>) => mandatory.to.uri],
  ["a value", ({ message }: ReturnType<typeof received>) => headerValue(message, "contact")],
  ["one of several values", ({ message }: ReturnType<typeof received>) => headerValues(message, "contact")],
])("%s of a long message, which is kept, does not keep the message", (_what, piece) => {
  const before = usedMegabytes();
  const kept = Array.from({ length: count }, (_, index) => piece(received(index)));
  expect(kept.every((one) => one !== undefined && one !== false)).toBe(true);
  // The messages have 40 megabytes together.
  expect(usedMegabytes() - before).toBeLessThan(10);
  expect(kept).toHaveLength(count);
});
