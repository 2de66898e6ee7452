import { randomBytes } from "node:crypto";

export type Line = readonly [name: string, value: string];

/** A message's text: start line, lines, body; Content-Length counts the body's octets. */
export function compose(startLine: string, lines: readonly string[], body = ""): string {
  return [startLine, ...lines, `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n");
}

export function toText([name, value]: Line): string {
  return `${name}: ${value}`;
}

/** RFC 3261 §8.1.1.7: the magic cookie, then something no other request has. */
export function newBranch(): string {
  return `z9hG4bK${randomText(9)}`;
}

export function randomText(octets: number): string {
  return randomBytes(octets).toString("hex");
}

/** What an answer to an INVITE describes, as short as SDP can be (RFC 8866 §5). */
export const shortSdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
