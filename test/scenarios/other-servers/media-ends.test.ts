import { expect, it, vi } from "vitest";
import { ActiveCalls } from "../../../durable-objects/next-hop/active-calls.ts";
import type { MediaBridge } from "../../../durable-objects/next-hop/media-bridge.ts";
import { MediaEnds } from "../../../durable-objects/next-hop/media-ends.ts";
import type { MandatoryHeaders } from "../../../lib/syntax/mandatory-headers.ts";

it("of BYEs of unknown calls that are never answered so many are remembered, the newest", () => {
  const calls = new ActiveCalls({ transaction: 32_000, ringing: 180_000 }, { forwarded: () => undefined, toTrunk: () => undefined });
  const over = vi.fn<(callId: string) => void>();
  const ends = new MediaEnds(calls, { over } as unknown as MediaBridge);
  const bye = (index: number) => ({ callId: `call-${index}`, fromTag: "a", toTag: "b" }) as MandatoryHeaders;
  for (let index = 0; index < 600; index += 1) ends.byeSent(bye(index), false);
  for (const index of [0, 99, 100, 599]) ends.byeAnswered(bye(index), 200, false);
  expect(over.mock.calls.flat()).toEqual(["call-100", "call-599"]);
});
