import { isFault } from "../syntax/fault.ts";
import { canonicalUser, parseUri, serialiseUri } from "../syntax/uri.ts";

/** One resource of a list as whoever made the list wrote it (RFC 4826 §3.1). */
export interface ListEntry {
  readonly uri: string;
  readonly name?: string | undefined;
}

/** Which list a URI stands for: one of a user, or without an owner one of the domain. */
export interface ListName {
  readonly name: string;
  /** The user part of the one whose list it is. */
  readonly owner: string | undefined;
}

/** A list as the directory has it. */
export interface ResourceList {
  readonly entries: readonly ListEntry[];
  /** Grows with each change. */
  readonly version: number;
}

/** Resources of one list. */
export const maxEntries = 500;
/** Characters of a resource's name. */
export const maxName = 100;
/** Characters of a resource's URI. */
export const maxUri = 300;

/** Of a list that comes in its SUBSCRIBE (RFC 5367): no other is called so. */
export const adHocName = "adhoc";

const reserved = "list.";

/** Whether a user part is that of a list, so that no subscriber may have it. */
export function isListUser(user: string): boolean {
  return user.startsWith(reserved);
}

/** Reads `list.sales` (of the domain) or `list.friends.alice` (of a user, in whose name there may be dots). */
export function readListUser(user: string): ListName | undefined {
  if (!isListUser(user)) return undefined;
  const rest = user.slice(reserved.length);
  const dot = rest.indexOf(".");
  return dot < 0 ? { name: rest, owner: undefined } : { name: rest.slice(0, dot), owner: rest.slice(dot + 1) };
}

/** The URI that is subscribed to. */
export function listUri({ name, owner }: ListName, domain: string): string {
  return `sip:${reserved}${name}${owner === undefined ? "" : `.${owner}`}@${domain}`;
}

/**
 * The one spelling under which URIs of resources are compared (RFC 3261 §19.1.4); undefined for one that nobody can be asked about:
 * without a user, with headers, or of a scheme that cannot be routed.
 */
export function canonicalResource(text: string): string | undefined {
  const uri = parseUri(text);
  if (isFault(uri) || uri.kind === "other") return undefined;
  if (uri.kind === "tel") return serialiseUri(uri);
  if (uri.user === undefined || uri.password !== undefined || uri.headers !== undefined) return undefined;
  return serialiseUri({ ...uri, user: canonicalUser(uri.user), host: uri.host.toLowerCase() });
}
