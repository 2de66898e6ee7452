import { readContacts } from "../../lib/syntax/contact.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { type Request, type Response, headerValue } from "../../lib/syntax/message.ts";
import { mandatoryHeadersOf } from "../shared/reparse.ts";

/** Whether a response answers this request: another one may have the same branch. */
export function isOfRequest(request: Request, response: Response): boolean {
  const [callId, cseq] = [headerValue(response, "call-id"), headerValue(response, "cseq")];
  const { callId: ours, cseq: sent } = mandatoryHeadersOf(request);
  return callId === ours && Number.parseInt(cseq ?? "", 10) === sent.number;
}

/** The Contact URIs of a 3xx, best first. */
export function contactsOf(response: Parameters<typeof readContacts>[0]): string[] {
  if (response.kind === "request" || response.status < 300 || response.status > 399) return [];
  const contacts = readContacts(response);
  if (isFault(contacts) || contacts === "*") return [];
  return [...contacts].sort((one, other) => (other.q ?? 1000) - (one.q ?? 1000)).map(({ uri }) => uri);
}
