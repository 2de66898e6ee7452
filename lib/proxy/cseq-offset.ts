import type { Keyring } from "../authentication/keyring.ts";
import { type Alterations, alter, combined } from "../syntax/alter.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { parseCSeq } from "../syntax/cseq.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, type Request, type Response, headerValue, headerValues } from "../syntax/message.ts";
import { type Transaction, transactionIn } from "./branch.ts";
import { openRoute, recordRoute } from "./route-token.ts";

/**
 * A request that is challenged must be sent again with a higher CSeq (RFC 3261 §22.2), but the phone counts the CSeq, not this server. So
 * all requests of our side in the dialog go to the other server with a CSeq that is one higher than the phone's. No state is kept: the
 * route token says so at the other server's end, and the branch does for the response.
 */
export const offsetEnd = "+1";

/** Our branches end in letters and digits before this mark. */
const mark = "-1";

export function offsetBranch(branch: string): string {
  return `${branch}${mark}`;
}

export function hasCSeqOffset(branch: string): boolean {
  return /-1(?:-a)?$/.test(branch);
}

/** The transaction as its sender's home knows it, of a request or response with a branch of ours. */
export function sentAs(mandatory: MandatoryHeaders, branch: string): Transaction {
  return transactionIn(mandatory, hasCSeqOffset(branch) ? 1 : 0);
}

/** What changes together with the CSeq number: RAck has the number of the INVITE (RFC 3262 §7.2). */
export function shift(message: Message, by: 1 | -1): Pick<Alterations, "remove" | "append"> {
  const cseq = parseCSeq(headerValue(message, "cseq") ?? "");
  if (isFault(cseq)) return {};
  const rack = /^(\d+)[ \t]+(\d+)[ \t]+(\S+)$/.exec(headerValue(message, "rack") ?? "");
  return {
    remove: rack === null ? ["cseq"] : ["cseq", "rack"],
    append: [
      ["CSeq", `${cseq.number + by} ${cseq.method}`],
      ...(rack === null ? [] : [["RAck", `${rack[1]} ${Number(rack[2]) + by} ${rack[3]}`] as const]),
    ],
  };
}

/** A response to our request, as the phone that sent it gets it: without our Via, with these changes and the phone's CSeq number. */
export function asAsked(response: Response, branch: string, changes: Pick<Alterations, "remove" | "append"> = {}): string {
  return alter(response, combined({ ...changes, popVia: true }, hasCSeqOffset(branch) ? shift(response, -1) : {}));
}

/** A NOTIFY that names its REFER by CSeq number (RFC 3515 §2.4.6): with the number that the phone gave the REFER. */
export function asReferred(notify: Request): Pick<Alterations, "remove" | "append"> {
  const written = headerValue(notify, "event") ?? "";
  const id = /^refer[ \t]*;(?:.*;)?[ \t]*id[ \t]*=[ \t]*(\d+)/i.exec(written)?.[1];
  if (notify.method !== "NOTIFY" || id === undefined) return {};
  return { remove: ["event"], append: [["Event", `refer;id=${Number(id) - 1}`]] };
}

/** The values of Record-Route, ours first; it now says that the CSeqs of the dialog have an offset. */
export function offsetRoutes(keyring: Keyring, request: Request): readonly string[] {
  const [own = "", ...others] = headerValues(request, "record-route");
  const [, scheme, user, at = ""] = /^<(sips?):([^@>]+)@([^>]*);lr>$/.exec(own) ?? [];
  const callId = headerValue(request, "call-id") ?? "";
  const route = openRoute(keyring, user, callId);
  if (route === undefined) return [own, ...others];
  const shifted = { ...route, callee: { ...route.callee, phone: offsetEnd } };
  return [recordRoute(keyring, shifted, callId, at, scheme === "sips"), ...others];
}
