import { takenFromElsewhere } from "../../lib/proxy/standing.ts";
import { isHomeOfUser, isUserHome } from "../../lib/routing/hop-name.ts";
import type { Alterations } from "../../lib/syntax/alter.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Request, type Response, headerValues } from "../../lib/syntax/message.ts";
import { parseVia } from "../../lib/syntax/via.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { mandatoryHeadersOf } from "../shared/reparse.ts";

/**
 * Whether a response answers this request: another one may have the same branch, and what does not fit would look like the answer of another
 * call (RFC 3261 §8.2.6.2).
 */
export function isOfRequest(request: Request, response: Response, heard: MandatoryHeaders): boolean {
  const sent = mandatoryHeadersOf(request);
  const isSame = heard.callId === sent.callId && heard.cseq.number === sent.cseq.number && heard.fromTag === sent.fromTag;
  const [, ...below] = headerValues(response, "via");
  return isSame && hopsIn(below) === hopsIn(headerValues(request, "via"));
}

/** The way back beyond this server. Phones may write it in their own spelling. */
function hopsIn(values: readonly string[]): string {
  const hops = values.map((value) => {
    const via = parseVia(value);
    return isFault(via) ? value : `${via.sentBy};${via.branch ?? ""}`;
  });
  return hops.join();
}

/** A response without what a user of this domain may not tell the phone of a user of another domain, as in requests. */
export function forReceiver(receiver: HomeName, domain: string, response: Response): Alterations {
  const isElsewhere = isUserHome(receiver) && !isHomeOfUser(receiver, domain);
  return isElsewhere ? { remove: takenFromElsewhere(response) } : {};
}
