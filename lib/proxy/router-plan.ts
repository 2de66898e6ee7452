import type { Decision, RouterTarget } from "../routing/routing.ts";
import { type Trunk, uriAtTrunk } from "../routing/trunk.ts";
import type { Alterations } from "../syntax/alter.ts";
import { isFault } from "../syntax/fault.ts";
import { toOctets } from "../syntax/octets.ts";
import { canonicalUser, equalUris, parseUri } from "../syntax/uri.ts";
import type { ReachableTarget } from "./response-context/context.ts";
import { addressTarget } from "./response-context/search.ts";
import type { Retarget } from "./response-context/target-set.ts";

/** What a router's decision means for a call. */
export type RouterPlan =
  /** As without a router. */
  | { readonly kind: "continue"; readonly headers: Alterations }
  | { readonly kind: "ring"; readonly targets: readonly ReachableTarget[]; readonly headers: Alterations }
  | { readonly kind: "answer"; readonly status: number; readonly reason?: string; readonly contacts: readonly string[] }
  /** It cannot be carried out. */
  | { readonly kind: "unfit"; readonly why: string };

interface PlannedCall {
  /** The domain that the router decides for, and its trunks. */
  readonly domain: string;
  readonly trunks: readonly Trunk[];
  readonly requestUri: string;
  /** The caller is no user of the domain: only what the decision allows for every caller may go by its trunks. */
  readonly isOutside: boolean;
}

/** Turns a decision into branches or an answer. What the addresses may be is checked when they are called. */
export function planOfRouter(decision: Decision, call: PlannedCall): RouterPlan {
  switch (decision.action) {
    case "continue":
      return { kind: "continue", headers: addedHeaders(decision.headers) };
    case "ring":
      return ringAt(decision, call);
    case "trunk":
      return overTrunk(decision, call);
    case "redirect":
      return redirection(decision.uris, call);
    case "reject":
      return {
        kind: "answer",
        status: decision.status,
        ...(decision.reason === undefined ? {} : { reason: decision.reason }),
        contacts: [],
      };
  }
}

/** Whether a decision can be carried out only with the trunks of the domain. */
export function namesTrunk(decision: Decision): boolean {
  return decision.action === "trunk" || (decision.action === "ring" && decision.targets.some(({ trunk }) => trunk !== undefined));
}

function ringAt({ targets, headers }: Decision & { action: "ring" }, call: PlannedCall): RouterPlan {
  const found: ReachableTarget[] = [];
  for (const target of targets) {
    const known = targetAt(target, call);
    if (typeof known === "string") return { kind: "unfit", why: known };
    // Each address rings once.
    if (!found.some((one) => isSame(one, known))) found.push(known);
  }
  return { kind: "ring", targets: found, headers: addedHeaders(headers) };
}

function isSame(one: ReachableTarget, other: ReachableTarget): boolean {
  const [uri, second] = [parseUri(one.contact), parseUri(other.contact)];
  return one.retarget?.trunk === other.retarget?.trunk && !isFault(uri) && !isFault(second) && equalUris(uri, second);
}

/** @returns a text if there is no such target */
function targetAt(target: RouterTarget, call: PlannedCall): ReachableTarget | string {
  const { domain, trunks } = call;
  const { after = 0, seconds, trunk: name } = target;
  const retarget = retargetBy(target, call);
  const times = { delay: after * 1000, ...(seconds === undefined ? {} : { ringTime: seconds * 1000 }) };
  if (target.uri !== undefined) {
    const { uri } = target;
    return isReachableUri(uri) ? { ...addressTarget(uri, retarget), ...times } : `${JSON.stringify(uri)} is no URI of a user or number`;
  }
  const user = canonicalUser(toOctets(target.to));
  if (name === undefined) return { ...addressTarget(`sip:${user}@${domain}`, retarget), ...times };
  const trunk = trunks.find((one) => one.name === name);
  return trunk === undefined ? noTrunk(name) : { ...atTrunk(trunk, user, retarget), ...times };
}

/** Calls over a trunk cost the domain money: a router has to say so if any caller may have them. */
function retargetBy({ any_caller = false }: { readonly any_caller?: boolean | undefined }, { isOutside }: PlannedCall): Retarget {
  return isOutside && !any_caller ? { cause: "router", isWithoutTrunk: true } : { cause: "router" };
}

function atTrunk(trunk: Trunk, number: string, retarget: Retarget): ReachableTarget {
  return addressTarget(uriAtTrunk(trunk, canonicalUser(toOctets(number))), { ...retarget, trunk: trunk.name });
}

function noTrunk(name: string): string {
  return `there is no trunk ${JSON.stringify(name)}`;
}

function isReachableUri(written: string): boolean {
  const uri = parseUri(written);
  return !isFault(uri) && uri.kind !== "other" && (uri.kind !== "sip" || uri.user !== undefined);
}

function overTrunk(decision: Decision & { action: "trunk" }, call: PlannedCall): RouterPlan {
  const { trunk: name, number, from, headers } = decision;
  const { domain, trunks } = call;
  const trunk = trunks.find((one) => one.name === name);
  if (trunk === undefined) return { kind: "unfit", why: noTrunk(name) };
  const caller = from === undefined ? {} : { "P-Asserted-Identity": `<sip:${canonicalUser(toOctets(from))}@${domain}>` };
  return { kind: "ring", targets: [atTrunk(trunk, number, retargetBy(decision, call))], headers: addedHeaders({ ...headers, ...caller }) };
}

/** A caller that is redirected to the address that it has called would go round in circles (RFC 3261 §8.1.3.4). */
function redirection(uris: readonly string[], { requestUri }: PlannedCall): RouterPlan {
  const own = parseUri(requestUri);
  for (const written of uris) {
    const uri = parseUri(written);
    if (isFault(uri) || uri.kind === "other") return { kind: "unfit", why: `${JSON.stringify(written)} is no SIP or TEL URI` };
    if (!isFault(own) && equalUris(uri, own)) return { kind: "unfit", why: "the redirection leads back to the same address" };
  }
  return { kind: "answer", status: 302, contacts: uris };
}

/** They replace headers of the same name, so that no caller can forge them. */
function addedHeaders(headers: Readonly<Record<string, string>> = {}): Alterations {
  const lines = Object.entries(headers).map(([name, value]) => [name, toOctets(value)] as const);
  return lines.length === 0 ? {} : { remove: lines.map(([name]) => name.toLowerCase()), append: lines };
}
