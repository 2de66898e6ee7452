import { type Request, headerValue } from "../syntax/message.ts";
import { readOptionTags } from "../syntax/option-tags.ts";

/**
 * Whether the phone that sends an INVITE ends its unanswered calls by itself, without a CANCEL, when it loses its socket: JsSIP does
 * (docs/design/delivery-and-loss.md). It is known by its User-Agent, or, where the application has given it another, by the
 * option tag `ice` (RFC 5768), which SIP.js does not send. Any other is believed to go on waiting when it is back.
 */
export function dropsInvitesOnDisconnect(invite: Request): boolean {
  return headerValue(invite, "user-agent")?.startsWith("JsSIP") === true || readOptionTags(invite, "supported").includes("ice");
}
