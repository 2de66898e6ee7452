import { isFault } from "../syntax/fault.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Request, hasHeader, headerValues } from "../syntax/message.ts";
import { plainHash } from "../syntax/plain-hash.ts";
import { parseVia } from "../syntax/via.ts";
import { hintIn } from "./branch.ts";

/** Whether this home has already forwarded the same request, and nothing that it routes by has changed (RFC 3261 §16.3 step 4). */
export function hasLooped(by: { readonly hints: readonly string[] }, request: Request, mandatory: MandatoryHeaders): boolean {
  if (!by.hints.some((hint) => request.text.includes(`z9hG4bK${hint}`))) return false;
  const branches = headerValues(request, "via").map((value) => {
    const via = parseVia(value);
    return isFault(via) ? undefined : via.branch;
  });
  return isLoop(branches, by.hints, markOf(request, mandatory));
}

/** The mark of a request, in the branch that it is forwarded with. */
export function markOf(request: Request, mandatory: MandatoryHeaders): string {
  const routes = hasHeader(request, "route") ? headerValues(request, "route") : [];
  return loopMark(request.requestUri, routes, mandatory.callId, `${mandatory.cseq.number} ${mandatory.fromTag}`);
}

/**
 * Distinguishes a loop (the request comes back unchanged) from a spiral (its routing has changed; RFC 3261 §16.6 step 8): a hash over all
 * fields that this proxy routes by. It has no key, because forging it gains nothing.
 */
export function loopMark(requestUri: string, routes: readonly string[], callId: string, cseq: string): string {
  return plainHash(`${requestUri}\n${routes.join("\n")}\n${callId}\n${cseq}`);
}

/** Whether this home set one of the Via branches when it routed the same request in the same way (RFC 3261 §16.3 step 4). */
export function isLoop(branches: readonly (string | undefined)[], hints: readonly string[], mark: string): boolean {
  return branches.some((branch) => hints.includes(hintIn(branch) ?? "") && branch?.endsWith(`.${mark}`) === true);
}
