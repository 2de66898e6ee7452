import { alter } from "../syntax/alter.ts";
import { replyTo } from "../syntax/compose.ts";
import { isFault } from "../syntax/fault.ts";
import { type Request, headerValues, parseMessage } from "../syntax/message.ts";
import type { Effect } from "./response-context/context.ts";

/**
 * The text of the final response that goes upstream: a phone's own, or one that we make. It has the challenges of all 401 and 407 responses
 * (RFC 3261 §16.7 step 7).
 * @param toTag for a response of our own
 */
export function finalResponse(request: Request, effect: Effect & { kind: "answer" }, toTag: string): string {
  const text = effect.text ?? replyTo(request, effect.status, { toTag });
  if (effect.also.length === 0) return text;
  const append = effect.also.flatMap((other) => challengesIn(other));
  const message = parseMessage(text);
  return isFault(message) ? text : alter(message, { append });
}

function challengesIn(response: string): (readonly [string, string])[] {
  const message = parseMessage(response);
  if (isFault(message)) return [];
  return ["WWW-Authenticate", "Proxy-Authenticate"].flatMap((name) =>
    headerValues(message, name.toLowerCase()).map((value) => [name, value] as const),
  );
}
