import { type MandatoryHeaders, readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { defaultLimits } from "../../lib/syntax/limits.ts";
import { type Request, parseMessage } from "../../lib/syntax/message.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";

/** A request that another home has forwarded. */
export function read(envelope: RequestEnvelope): { readonly request: Request; readonly mandatory: MandatoryHeaders } {
  const request = parsed(envelope.text);
  return { request, mandatory: mandatoryHeadersOf(request) };
}

/** A message that arrived within the limits may have grown by our own lines. */
const limits = {
  ...defaultLimits,
  messageLength: defaultLimits.messageLength * 2,
  headerCount: defaultLimits.headerCount * 2,
  headerLength: defaultLimits.headerLength * 2,
  startLineLength: defaultLimits.startLineLength * 2,
};

/** A message that this server has already checked must parse; if not, the error is ours. */
export function parsed(text: string): Request {
  const message = parseMessage(text, limits);
  if (isFault(message) || message.kind !== "request") throw new Error("a request that was checked before does not parse");
  return message;
}

/** Cached, because each response needs them again. */
const known = new WeakMap<Request, MandatoryHeaders>();

export function mandatoryHeadersOf(request: Request): MandatoryHeaders {
  const before = known.get(request);
  if (before !== undefined) return before;
  const mandatory = readMandatoryHeaders(request);
  if (isFault(mandatory)) throw new Error(`a request that was checked before is at fault: ${mandatory.fault}`);
  known.set(request, mandatory);
  return mandatory;
}
