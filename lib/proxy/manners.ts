import { type Request, headerValue } from "../syntax/message.ts";

/**
 * Whether the phone that sends an INVITE ends its unanswered calls by itself, without a CANCEL, when it loses its socket: JsSIP does
 * (ARCHITECTURE.md, "What the phones do"). Any other is believed to go on waiting when it is back.
 */
export function forgetsCalls(invite: Request): boolean {
  return headerValue(invite, "user-agent")?.startsWith("JsSIP") === true;
}
