import { alter } from "./alter.ts";
import { type Message, bodyOf, headerValue } from "./message.ts";

const sdp = /^application\/sdp\s*(?:;|$)/i;

/** The session description in a message; undefined if its body is something else. */
export function sessionDescriptionOf(message: Message): string | undefined {
  const body = bodyOf(message);
  if (body === "" || !sdp.test(headerValue(message, "content-type") ?? "")) return undefined;
  const coding = headerValue(message, "content-encoding") ?? "identity";
  return coding.toLowerCase() === "identity" ? body : undefined;
}

/** The message with another body of the same type. @param body octets */
export function withBody(message: Message, body: string): string {
  const text = alter(message, { remove: ["content-length"], append: [["Content-Length", String(body.length)]] });
  return text.slice(0, text.length - bodyOf(message).length) + body;
}
