import { type MandatoryHeaders, readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { relayedLimits } from "../../lib/syntax/limits.ts";
import { type Message, type Request, type Response, parseMessage } from "../../lib/syntax/message.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";

/** A request that another home has forwarded. */
export function read(envelope: RequestEnvelope): { readonly request: Request; readonly mandatory: MandatoryHeaders } {
  const request = parsed(envelope.text);
  return { request, mandatory: mandatoryHeadersOf(request) };
}

/** A message that this server has already checked. */
export function parsedMessage(text: string): Message {
  const message = parseMessage(text, relayedLimits);
  if (isFault(message)) throw new Error(`a message that was checked before does not parse: ${message.fault}`);
  return message;
}

export function parsed(text: string): Request {
  const message = parsedMessage(text);
  if (message.kind !== "request") throw new Error("a message that was a request is none");
  return message;
}

export function parsedResponse(text: string): Response {
  const message = parsedMessage(text);
  if (message.kind !== "response") throw new Error("a message that was a response is none");
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
