import { type Essentials, readEssentials } from "../../lib/syntax/essentials.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { defaultLimits } from "../../lib/syntax/limits.ts";
import { type Request, parseMessage } from "../../lib/syntax/message.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";

/** A request that another home has passed on. */
export function read(envelope: RequestEnvelope): { readonly request: Request; readonly essentials: Essentials } {
  const request = parsed(envelope.text);
  return { request, essentials: essentialsOf(request) };
}

/** What came within the limits may have grown by our own lines since. */
const limits = {
  ...defaultLimits,
  messageLength: defaultLimits.messageLength * 2,
  headerCount: defaultLimits.headerCount * 2,
  headerLength: defaultLimits.headerLength * 2,
  startLineLength: defaultLimits.startLineLength * 2,
};

/** What another part of ours has checked and passed on parses; if not, the fault is ours. */
export function parsed(text: string): Request {
  const message = parseMessage(text, limits);
  if (isFault(message) || message.kind !== "request") throw new Error("a request that was checked before does not parse");
  return message;
}

/** They are asked for again with each response. */
const known = new WeakMap<Request, Essentials>();

export function essentialsOf(request: Request): Essentials {
  const before = known.get(request);
  if (before !== undefined) return before;
  const essentials = readEssentials(request);
  if (isFault(essentials)) throw new Error(`a request that was checked before is at fault: ${essentials.fault}`);
  known.set(request, essentials);
  return essentials;
}
