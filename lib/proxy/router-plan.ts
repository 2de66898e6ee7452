import type { Decision, RouterTarget } from "../routing/routing.ts";
import { type Trunk, uriAtTrunk } from "../routing/trunk.ts";
import type { Alterations } from "../syntax/alter.ts";
import { isFault } from "../syntax/fault.ts";
import { toOctets } from "../syntax/octets.ts";
import { canonicalUser, equalUris, parseUri } from "../syntax/uri.ts";
import type { ReachableTarget } from "./response-context/context.ts";
import { addressTarget } from "./response-context/search.ts";

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
    found.push(known);
  }
  return { kind: "ring", targets: found, headers: addedHeaders(headers) };
}

/** @returns a text if there is no such target */
function targetAt({ to, trunk: name, after = 0, seconds }: RouterTarget, { domain, trunks }: PlannedCall): ReachableTarget | string {
  const times = { delay: after * 1000, ...(seconds === undefined ? {} : { ringTime: seconds * 1000 }) };
  const trunk = name === undefined ? undefined : trunks.find((one) => one.name === name);
  if (trunk !== undefined) return { ...atTrunk(trunk, to), ...times };
  if (name !== undefined) return noTrunk(name);
  const uri = uriOf(to, domain);
  return uri === undefined ? `${JSON.stringify(to)} is no user, number or URI` : { ...addressTarget(uri, { cause: "router" }), ...times };
}

function atTrunk(trunk: Trunk, number: string): ReachableTarget {
  return addressTarget(uriAtTrunk(trunk, canonicalUser(toOctets(number))), { cause: "router", trunk: trunk.name });
}

function noTrunk(name: string): string {
  return `there is no trunk ${JSON.stringify(name)}`;
}

/** A name without a scheme is a user or a number of the domain. */
function uriOf(to: string, domain: string): string | undefined {
  const written = /^(?:sips?|tel):/i.test(to) ? to : `sip:${canonicalUser(toOctets(to))}@${domain}`;
  const uri = parseUri(written);
  if (isFault(uri) || uri.kind === "other" || (uri.kind === "sip" && uri.user === undefined)) return undefined;
  return written;
}

function overTrunk({ trunk: name, number, from, headers }: Decision & { action: "trunk" }, { domain, trunks }: PlannedCall): RouterPlan {
  const trunk = trunks.find((one) => one.name === name);
  if (trunk === undefined) return { kind: "unfit", why: noTrunk(name) };
  const caller = from === undefined ? {} : { "P-Asserted-Identity": `<sip:${canonicalUser(toOctets(from))}@${domain}>` };
  return { kind: "ring", targets: [atTrunk(trunk, number)], headers: addedHeaders({ ...headers, ...caller }) };
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
