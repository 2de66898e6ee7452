import { replyTo } from "../../lib/syntax/compose.ts";
import type { Fault } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { randomText } from "./random.ts";

/** The response that a fault asks for, with what was wrong as a Warning (RFC 3261 §20.43). */
export function answerFault(request: Request, fault: Fault): string {
  const warning: readonly [string, string] = ["Warning", `399 offhook "${fault.fault.replace(/["\\\r\n]/g, "'")}"`];
  return replyTo(request, fault.status, { toTag: randomText(), headers: [...(fault.headers ?? []), warning] });
}
