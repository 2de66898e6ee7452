import { publicGruu } from "../location/gruu.ts";
import { type Fault, isFault } from "../syntax/fault.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { parameter } from "../syntax/parameters.ts";
import { type Uri, equalUris, parseUri } from "../syntax/uri.ts";

type Lines = readonly (readonly [name: string, value: string])[];

/** Where a user is reached: a phone by its Contact, or another address that the request is for now. */
export interface RedirectTarget {
  /** A URI. */
  readonly contact: string;
  /** Thousandths. */
  readonly q: number;
  /** The feature parameters of its Contact (RFC 3840 §9). */
  readonly features?: string;
  /** Why it is another address. */
  readonly retarget?: object;
}

/** A 3xx of ours: where the user is, for whoever asks to be told rather than be put through. */
export interface Redirection {
  readonly status: 300 | 302;
  readonly contacts: Lines;
}

/**
 * The Contacts of a 3xx but for those that are the Request-URI itself: a request is never redirected to where it has come from (RFC 3261
 * §8.3). Of two URIs that differ in `gr` one is the user and the other one of their phones, though URI comparison takes no notice of it
 * (RFC 5627 §5.4).
 */
export function awayFrom(requestUri: string, contacts: Lines): Lines {
  return contacts.filter(([, value]) => {
    const address = parseNameAddress(value);
    return isFault(address) || !isSame(parseUri(address.uri), parseUri(requestUri));
  });
}

function isSame(one: Uri | Fault, other: Uri | Fault): boolean {
  if (isFault(one) || isFault(other) || !equalUris(one, other)) return false;
  if (one.kind !== "sip" || other.kind !== "sip") return true;
  return parameter(one.parameters, "gr")?.toLowerCase() === parameter(other.parameters, "gr")?.toLowerCase();
}

/**
 * RFC 3261 §8.3 and §21.3: 302 with the targets, best first; 300 if there are several and none is better. A phone on a WebSocket has
 * an address that means nothing to others (RFC 7118 §5): it is given by its GRUU, and left out if it has none. Who has asked for the phone
 * by a GRUU knows where it is, and may not learn who has it (RFC 5627 §3.1.2): only other addresses are told.
 * @param of the request: its Request-URI, and whether that is a GRUU
 * @param expires seconds that a target is good for
 * @returns undefined if nobody is left
 */
export function redirectTo<Target extends RedirectTarget>(
  targets: readonly Target[],
  of: { readonly requestUri: string; readonly isGruu: boolean },
  owner: { readonly user: string; readonly domain: string },
  expires: (target: Target) => number | undefined,
): Redirection | undefined {
  const told = of.isGruu ? targets.filter(({ retarget }) => retarget !== undefined) : targets;
  const all = told.flatMap((target): [string, string][] => {
    const uri = addressOf(target, owner);
    if (uri === undefined) return [];
    const left = expires(target);
    return [["Contact", `<${uri}>;q=${target.q / 1000}${left === undefined ? "" : `;expires=${left}`}`]];
  });
  const contacts = awayFrom(of.requestUri, all);
  if (contacts.length === 0) return undefined;
  const isChoice = contacts.length > 1 && told.every(({ q }) => q === told[0]?.q);
  return { status: isChoice ? 300 : 302, contacts };
}

function addressOf(
  { contact, features = "", retarget }: RedirectTarget,
  { user, domain }: { user: string; domain: string },
): string | undefined {
  if (retarget !== undefined) return contact;
  const instance = /;\+sip\.instance="<([^<>]*)>"/i.exec(features)?.[1];
  return instance === undefined ? undefined : publicGruu(user, domain, instance);
}
