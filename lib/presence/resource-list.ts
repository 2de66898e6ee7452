import { isFault } from "../syntax/fault.ts";
import { canonicalUser, parseUri, serialiseUri } from "../syntax/uri.ts";

/** One resource of a list as the list's author wrote it (RFC 4826 §3.1). */
export interface ListEntry {
  readonly uri: string;
  readonly name?: string | undefined;
}

/** The list that a URI names: one of a user, or without an owner one of the domain. */
export interface ListName {
  readonly name: string;
  /** The user part of the owner. */
  readonly owner: string | undefined;
}

/** A list of the directory. */
export interface ResourceList {
  readonly entries: readonly ListEntry[];
  /** Grows with each change. */
  readonly version: number;
}

/** Maximum resources of one list. */
export const maxEntries = 500;
/** Maximum characters of a resource's name. */
export const maxName = 100;
/** Maximum characters of a resource's URI. */
export const maxUri = 300;

/** The name of a list in the body of a SUBSCRIBE (RFC 5367): no other list has it. */
export const adHocName = "adhoc";

const reserved = "list.";

/** Whether a user part is that of a list, so that no subscriber may have it. */
export function isListUser(user: string): boolean {
  return user.startsWith(reserved);
}

/** Reads `list.sales` (of the domain) or `list.friends.alice` (of a user, whose name may contain dots). */
export function readListUser(user: string): ListName | undefined {
  if (!isListUser(user)) return undefined;
  const rest = user.slice(reserved.length);
  const dot = rest.indexOf(".");
  return dot < 0 ? { name: rest, owner: undefined } : { name: rest.slice(0, dot), owner: rest.slice(dot + 1) };
}

/** The URI to subscribe to. */
export function listUri({ name, owner }: ListName, domain: string): string {
  return `sip:${reserved}${name}${owner === undefined ? "" : `.${owner}`}@${domain}`;
}

/**
 * The canonical spelling for comparisons of resource URIs (RFC 3261 §19.1.4); undefined for a URI that cannot be subscribed to: without a
 * user, with headers, or of a scheme that cannot be routed.
 */
export function canonicalResource(text: string): string | undefined {
  const uri = parseUri(text);
  if (isFault(uri) || uri.kind === "other") return undefined;
  if (uri.kind === "tel") return serialiseUri(uri);
  if (uri.user === undefined || uri.password !== undefined || uri.headers !== undefined) return undefined;
  return serialiseUri({ ...uri, user: canonicalUser(uri.user), host: uri.host.toLowerCase() });
}
