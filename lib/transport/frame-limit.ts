import { toOctets } from "../syntax/octets.ts";

/** Maximum octets of a WebSocket frame, and so of a message. */
export const maxFrame = 262_144;

/** The close code and reason after a longer frame (RFC 6455 §7.4.1). */
export const tooLongFrame = { code: 1009, reason: "a message may have 262144 octets" } as const;

/** Whether a frame is too long. It is checked before the frame is decoded or parsed: the content of a long one is never read. */
export function isTooLong(data: string | ArrayBuffer): boolean {
  if (typeof data !== "string") return data.byteLength > maxFrame;
  // A character takes one to three octets of UTF-8.
  return data.length > maxFrame || (data.length * 3 > maxFrame && toOctets(data).length > maxFrame);
}
