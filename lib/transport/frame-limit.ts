import { toOctets } from "../syntax/octets.ts";

/** Octets of a WebSocket frame: no message may be longer. */
export const maxFrame = 262_144;

/** Why a connection ends on which a longer frame came (RFC 6455 §7.4.1). */
export const tooLongFrame = { code: 1009, reason: "a message may have 262144 octets" } as const;

/** Whether a frame is longer than we read. It is asked before the frame is decoded or parsed: what a long one says is never looked at. */
export function isTooLong(data: string | ArrayBuffer): boolean {
  if (typeof data !== "string") return data.byteLength > maxFrame;
  // A character takes one to three octets of UTF-8.
  return data.length > maxFrame || (data.length * 3 > maxFrame && toOctets(data).length > maxFrame);
}
