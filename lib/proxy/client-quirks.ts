import { type Request, headerValue } from "../syntax/message.ts";
import { readOptionTags } from "../syntax/option-tags.ts";

/**
 * Whether the phone that sends an INVITE ends its unanswered calls without a CANCEL when it loses its socket: JsSIP does
 * (docs/design/delivery-and-loss.md). JsSIP is recognised by its User-Agent, or, if the application has changed that, by the option tag
 * `ice` (RFC 5768), which SIP.js does not send. Other phones are assumed to wait on after they reconnect.
 */
export function dropsInvitesOnDisconnect(invite: Request): boolean {
  return headerValue(invite, "user-agent")?.startsWith("JsSIP") === true || readOptionTags(invite, "supported").includes("ice");
}
