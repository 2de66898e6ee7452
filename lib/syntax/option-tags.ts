import { splitList } from "./list.ts";
import { type Message, valueOf } from "./message.ts";
import { memoised } from "./memoise.ts";

/** The option tags of Supported, Require, Proxy-Require or Unsupported, lower case (RFC 3261 §19.2). */
export function readOptionTags(message: Message, name: "supported" | "require" | "proxy-require" | "unsupported"): readonly string[] {
  let tags: readonly string[] = none;
  for (const line of message.lines) {
    if (line.name !== name) continue;
    const more = memoisedTags(valueOf(message.text, line));
    tags = tags.length === 0 ? more : [...tags, ...more];
  }
  return tags;
}

const none: readonly string[] = [];

const memoisedTags = memoised((value): readonly string[] =>
  splitList(value)
    .filter((tag) => tag !== "")
    .map((tag) => tag.toLowerCase()),
);
