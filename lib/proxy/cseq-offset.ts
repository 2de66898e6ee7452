import type { Keyring } from "../authentication/keyring.ts";
import { type Alterations, alter, combined } from "../syntax/alter.ts";
import { parseCSeq } from "../syntax/cseq.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, type Request, type Response, headerValue, headerValues } from "../syntax/message.ts";
import { openRoute, recordRoute } from "./route-token.ts";

/**
 * A request that is challenged has to go again with a higher CSeq (RFC 3261 §22.2), though it is not ours to count. So in the dialog it
 * makes all requests of our side have, towards the other server, a CSeq that is one higher than their phone gave them. Nobody has to
 * remember it: the route token says so where it names the other server's end, and the branch does for the response.
 */
export const offsetEnd = "+1";

/** Our branches end in letters and digits before it. */
const mark = "-1";

export function offsetBranch(branch: string): string {
  return `${branch}${mark}`;
}

export function hasCSeqOffset(branch: string): boolean {
  return /-1(?:-a)?$/.test(branch);
}

/** What a request changes in with the number of its CSeq: RAck names that of the INVITE (RFC 3262 §7.2). */
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

/** A response to a request of ours as the sender of that is to hear it: our Via and these headers taken off, the number his own. */
export function asAsked(response: Response, branch: string, remove: readonly string[] = []): string {
  return alter(response, combined({ popVia: true, remove }, hasCSeqOffset(branch) ? shift(response, -1) : {}));
}

/** A NOTIFY that says which REFER it is about, by the number that this had (RFC 3515 §2.4.6), as the phone that sent the REFER knows it. */
export function asReferred(notify: Request): Pick<Alterations, "remove" | "append"> {
  const written = headerValue(notify, "event") ?? "";
  const id = /^refer[ \t]*;(?:.*;)?[ \t]*id[ \t]*=[ \t]*(\d+)/i.exec(written)?.[1];
  if (notify.method !== "NOTIFY" || id === undefined) return {};
  return { remove: ["event"], append: [["Event", `refer;id=${Number(id) - 1}`]] };
}

/** The values of Record-Route, ours in front, which says from now on that the dialog is shifted. */
export function offsetRoutes(keyring: Keyring, request: Request): readonly string[] {
  const [own = "", ...others] = headerValues(request, "record-route");
  const [, scheme, user, at = ""] = /^<(sips?):([^@>]+)@([^>]*);lr>$/.exec(own) ?? [];
  const callId = headerValue(request, "call-id") ?? "";
  const route = openRoute(keyring, user, callId);
  if (route === undefined) return [own, ...others];
  const shifted = { ...route, callee: { ...route.callee, phone: offsetEnd } };
  return [recordRoute(keyring, shifted, callId, at, scheme === "sips"), ...others];
}
