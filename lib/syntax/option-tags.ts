import { type Message, hasHeader, headerValues } from "./message.ts";

/** The option tags of Supported, Require, Proxy-Require or Unsupported, lower case (RFC 3261 §19.2). */
export function readOptionTags(message: Message, name: "supported" | "require" | "proxy-require" | "unsupported"): string[] {
  if (!hasHeader(message, name)) return [];
  return headerValues(message, name)
    .filter((tag) => tag !== "")
    .map((tag) => tag.toLowerCase());
}
