import { publicGruu } from "../location/gruu.ts";
import { type Fault, isFault } from "../syntax/fault.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { parameter } from "../syntax/parameters.ts";
import { type Uri, equalUris, parseUri } from "../syntax/uri.ts";

type Lines = readonly (readonly [name: string, value: string])[];

/** An address of a user: a phone by its Contact, or another address that the request is forwarded to. */
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

/** Our 3xx: the addresses of the user, for clients that ask for a redirect instead of a connection. */
export interface Redirection {
  readonly status: 300 | 302;
  readonly contacts: Lines;
}

/**
 * The Contacts of a 3xx without the Request-URI itself: a request is never redirected back to it (RFC 3261 §8.3). Two URIs that differ only
 * in `gr` are the user and one of their phones, though URI comparison ignores it (RFC 5627 §5.4).
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
 * RFC 3261 §8.3 and §21.3: 302 with the targets, best first; 300 if there are several and none is better. The address of a phone on a
 * WebSocket has no meaning for others (RFC 7118 §5): its GRUU is returned, or nothing if it has none. A request to a GRUU already has the
 * phone's address, and must not learn whose it is (RFC 5627 §3.1.2): only other addresses are returned.
 * @param of the request: its Request-URI, and whether that is a GRUU
 * @param expires seconds that a target is valid
 * @returns undefined if no target is left
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
