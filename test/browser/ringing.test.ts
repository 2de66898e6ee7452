import { expect, it } from "vitest";
import { ringFor } from "../../web/phone/ringing.ts";
import type { Phase } from "../../web/phone/state.ts";

const call = (direction: "incoming" | "outgoing", phase: Phase, more: { isHeld?: boolean; hasEarlyMedia?: boolean } = {}) => ({
  ...{ direction, phase, isHeld: false, hasEarlyMedia: false },
  ...more,
});
const [rings, calls, talks] = [call("incoming", "ringing"), call("outgoing", "ringing"), call("incoming", "talking")];

it.each([
  ["a call that comes", [rings], "play ring"],
  ["a call that is placed", [calls], "play ringback"],
  ["one whose own tone is heard", [call("outgoing", "ringing", { hasEarlyMedia: true })], "stop ring ringback waiting"],
  ["one that is not there yet", [call("outgoing", "calling")], "stop"],
  ["one that comes during another", [talks, rings], "play waiting"],
  ["one that comes while the other is on hold", [{ ...talks, isHeld: true }, rings], "play ring"],
  ["one that comes while we call", [calls, rings], "play ring"],
  ["a call in progress", [talks], "stop"],
  ["none: the tone of an end goes on", [], "stop ring ringback waiting"],
] as const)("the tone of %s", (_what, all, tone) => {
  const played: string[] = [];
  ringFor(all, { play: (one) => played.push(`play ${one}`), stop: (...some) => played.push(["stop", ...some].join(" ")) });
  expect(played).toEqual([tone]);
});
