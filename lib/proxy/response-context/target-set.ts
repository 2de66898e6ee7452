import type { PhoneId } from "../../transport/identifiers.ts";
import type { Binding } from "../../location/binding.ts";
import { isNamedByGruu } from "../../location/gruu.ts";
import type { Destination } from "../../transport/envelope.ts";

/** A target that a request may be sent to: a phone by one of its contacts, or another address. */
export interface Target {
  /** "" for an address. */
  readonly phone: PhoneId;
  /** The Request-URI for it. */
  readonly contact: string;
  /** In thousandths. */
  readonly q: number;
  /** Route values towards it (RFC 3327 §5.4). */
  readonly path: readonly string[];
  /** The key of its binding. */
  readonly key?: string;
  /** Other flows of the same instance: one target, tried in turn (RFC 5626 §5.3). */
  readonly others?: readonly OtherFlow[];
  /** The feature parameters of its Contact (RFC 3840 §9). */
  readonly features?: string;
  readonly retarget?: Retarget;
}

export interface OtherFlow {
  readonly key: string;
  readonly contact: string;
  readonly path: readonly string[];
}

/** Why a request is forwarded to another address. */
export interface Retarget {
  /** `route`: the request was for that address from the start; `router`: the router of the domain has sent it there. */
  readonly cause: "route" | "router" | "unconditional" | "user-busy" | "no-answer" | "unavailable" | "deflection" | "unknown";
  /** The status that led to it; absent if no phone was tried. */
  readonly status?: number;
  /** The trunk that it goes to. The address is the one that it has here, not the one at the trunk's server. */
  readonly trunk?: string;
  readonly keepsRequestUri?: boolean;
  /** A route leads there: the permission to call out does not matter. */
  readonly skipsCallOutCheck?: boolean;
  /** It must not go by a trunk: nothing allows this call to use the domain's lines. */
  readonly isWithoutTrunk?: boolean;
}

/** Whether the domain itself sends the request there, and no user of it. */
export function isByDomain({ cause }: Retarget): boolean {
  return cause === "route" || cause === "router";
}

/** Another server that gets a request: through a trunk of ours, or that of another domain. */
export interface ExternalTarget extends Pick<Retarget, "trunk" | "keepsRequestUri" | "skipsCallOutCheck"> {
  readonly uri: string;
}

/**
 * The target set of a request for an address of record (RFC 3261 §16.5): its bindings, the flows of one instance as one target (RFC 5626
 * §5.3), only the named instance for a GRUU (RFC 5627 §6.1), never the calling phone; best first.
 */
export function targetSet(bindings: readonly Binding[], to: Destination & { kind: "address" }, callingPhone: string | undefined): Target[] {
  const targets = new Map<string, Target>();
  for (const binding of [...bindings].sort((one, other) => other.q - one.q || other.expires - one.expires)) {
    if (binding.phone === callingPhone || !isNamedByGruu(binding, to)) continue;
    const name = targetKey(binding);
    const known = targets.get(name);
    if (known === undefined) targets.set(name, targetOf(binding));
    else targets.set(name, { ...known, others: [...(known.others ?? []), otherFlow(binding)] });
  }
  return [...targets.values()];
}

/** A static binding leads to an address: an administrator made it, and there is no phone. */
function targetOf(binding: Binding): Target {
  const { phone, contact, q, path, key, parameters: features } = binding;
  if (binding.isStatic === true) return { phone: "", contact, q, path, key, retarget: { cause: "unknown" } };
  return { phone, contact, q, path, key, features };
}

function otherFlow({ key, contact, path }: Binding): OtherFlow {
  return { key, contact, path };
}

function targetKey(binding: Binding): string {
  return binding.instance === undefined ? binding.key : binding.phone;
}

/**
 * RFC 3261 §16.6: targets of equal q that match the caller's preferences equally well (RFC 3841 §7.2.4) are tried at once, the groups one
 * after another.
 */
export function groupsOf<T extends Target>(targets: readonly { readonly target: T; readonly preference: number }[]): T[][] {
  const groups: T[][] = [];
  let rank = "";
  for (const { target, preference } of targets) {
    const own = `${target.q} ${preference}`;
    if (own === rank) groups.at(-1)?.push(target);
    else groups.push([target]);
    rank = own;
  }
  return groups;
}

/** RFC 5393 §5.3.3: if the request may not fork so widely, the remaining targets are tried one after another. */
export function portions<T extends Target>(group: readonly T[], breadth: number): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < group.length; at += breadth) parts.push(group.slice(at, at + breadth));
  return parts;
}
