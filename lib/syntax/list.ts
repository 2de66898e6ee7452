import { defaultLimits } from "./limits.ts";

/** Splits at commas that are not within quotes, angle brackets or comments; white space around the elements is dropped. */
export function splitList(text: string): string[] {
  return splitAt(text, 44);
}

/** Splits at one separator outside quotes, angle brackets and comments. */
export function splitAt(text: string, separator: number): string[] {
  const parts: string[] = [];
  let from = 0;
  let inQuotes = false;
  let inAngles = false;
  let comments = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inQuotes) {
      if (code === 92) at += 1;
      else if (code === 34) inQuotes = false;
    } else if (inAngles) {
      if (code === 62) inAngles = false;
    } else if (code === 34) inQuotes = true;
    else if (code === 40) comments = Math.min(comments + 1, defaultLimits.commentDepth);
    else if (code === 41) comments = Math.max(0, comments - 1);
    else if (code === 60) inAngles = true;
    else if (code === separator && comments === 0) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  parts.push(text.slice(from).trim());
  return parts;
}
