import { replyTo } from "../../lib/syntax/compose.ts";
import { type Fault, fault } from "../../lib/syntax/fault.ts";
import { type Request, recover } from "../../lib/syntax/message.ts";
import type { Receipt } from "../../lib/transport/envelope.ts";
import { toOctets } from "../../lib/syntax/octets.ts";
import { randomText } from "../../platform/crypto/random.ts";

/** The receipt that refuses a request. */
export function refused(request: Request, refusal: Fault): Receipt {
  return { kind: "answered", status: refusal.status, text: answerFault(request, refusal), why: refusal.fault };
}

/** The receipt that answers a request. @param why for the administrator: callers get only the status */
export function answered(request: Request, status: number, why?: string): Receipt {
  return { kind: "answered", status, text: replyTo(request, status, { toTag: randomText() }), ...(why === undefined ? {} : { why }) };
}

/** The response for a fault, with a Warning that explains it (RFC 3261 §20.43). */
export function answerFault(request: Request, fault: Fault): string {
  const { headers = [] } = fault;
  const hasOwn = headers.some(([name]) => name === "Warning");
  const warning: readonly [string, string] = ["Warning", `399 offhook "${inOctets(fault.fault).replace(/["\\\r\n]/g, "'")}"`];
  return replyTo(request, fault.status, { reason: fault.reason, toTag: randomText(), headers: hasOwn ? headers : [...headers, warning] });
}

/** A fault's quotation of a message is octets already; its quotation of our own data may be text. */
function inOctets(text: string): string {
  return /[^\0-\xff]/.test(text) ? toOctets(text) : text;
}

/**
 * The answer to a message on a stream that has no Content-Length, so that its end is unknown (RFC 3261 §18.3); undefined if there is
 * nothing to answer. The connection cannot be read on.
 */
export function answerUnmeasured(header: string): string | undefined {
  const request = recover(header);
  if (request === undefined || request.method === "ACK") return undefined;
  return answerFault(request, fault(400, "a message on a stream needs its Content-Length"));
}
