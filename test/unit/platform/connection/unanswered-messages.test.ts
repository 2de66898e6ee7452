import { expect, it } from "vitest";
import { UnansweredMessages } from "../../../../platform/connection/unanswered-messages.ts";

it.each([
  ["ACK", 500, 300],
  ["response", 1000, 1000],
] as const)("%s: so many at once, and so many each second after that", (kind, atOnce, eachSecond) => {
  const messages = new UnansweredMessages();
  const passed = (now: number) => Array.from({ length: 3000 }, () => messages.mayPass(kind, now)).filter(Boolean).length;
  expect([passed(1e12), passed(1e12 + 1000), passed(1e12 + 1500)]).toEqual([atOnce, eachSecond, eachSecond / 2]);
});
