import { publicGruu } from "../location/gruu.ts";
import type { ReachableTarget } from "../proxy/response-context.ts";

type Lines = readonly (readonly [name: string, value: string])[];

/** A 3xx of ours: where the user is, for whoever asks to be told rather than be put through. */
export interface Redirection {
  readonly status: 300 | 302;
  readonly contacts: Lines;
}

/**
 * RFC 3261 §8.3 and §21.3: 302 with the targets, best first; 300 if there are several and none is better. A phone on a WebSocket has
 * an address that means nothing to others (RFC 7118 §5): it is given by its GRUU, and left out if it has none.
 * @param expires seconds that a target is good for
 * @returns undefined if nobody is left
 */
export function redirectTo(
  targets: readonly ReachableTarget[],
  owner: { readonly user: string; readonly domain: string },
  expires: (target: ReachableTarget) => number | undefined,
): Redirection | undefined {
  const contacts = targets.flatMap((target): [string, string][] => {
    const uri = addressOf(target, owner);
    if (uri === undefined) return [];
    const left = expires(target);
    return [["Contact", `<${uri}>;q=${target.q / 1000}${left === undefined ? "" : `;expires=${left}`}`]];
  });
  if (contacts.length === 0) return undefined;
  const isChoice = contacts.length > 1 && targets.every(({ q }) => q === targets[0]?.q);
  return { status: isChoice ? 300 : 302, contacts };
}

function addressOf(
  { contact, features = "", retarget }: ReachableTarget,
  { user, domain }: { user: string; domain: string },
): string | undefined {
  if (retarget !== undefined) return contact;
  const instance = /;\+sip\.instance="<([^<>]*)>"/i.exec(features)?.[1];
  return instance === undefined ? undefined : publicGruu(user, domain, instance);
}
