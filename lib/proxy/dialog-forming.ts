import type { Alterations } from "../syntax/alter.ts";
import { isFault } from "../syntax/fault.ts";
import { type Request, type Response, hasHeader, headerValues } from "../syntax/message.ts";
import { parseUri } from "../syntax/uri.ts";
import { targetIn } from "./bye.ts";

/**
 * What a 2xx to an INVITE lacks for the requests of its dialog, although its sender has to write it (RFC 3261 §12.1.1): our Record-Route, and
 * a Contact. Without them the caller could not hang up, and the call would count until it is forgotten. Undefined: it lacks nothing.
 * @param own our Record-Route in the INVITE; undefined if it had none
 * @param target the Request-URI of the INVITE
 */
export function missingIn(response: Response, own: string | undefined, target: string): Pick<Alterations, "remove" | "append"> | undefined {
  const recorded = hasHeader(response, "record-route") ? headerValues(response, "record-route") : [];
  const isRecorded = own === undefined || recorded.some((value) => userIn(value) === userIn(own));
  if (isRecorded && hasUsableContact(response)) return undefined;
  const routes = isRecorded ? [] : [...recorded, own].map((value): [string, string] => ["Record-Route", value]);
  const contacts: [string, string][] = hasUsableContact(response) ? [] : [["Contact", `<${target}>`]];
  const names = [...(isRecorded ? [] : ["record-route"]), ...(contacts.length === 0 ? [] : ["contact"])];
  return { remove: names, append: [...routes, ...contacts] };
}

/** The uppermost Record-Route of an INVITE: of one that we have sent, ours. */
export function firstRecordRoute(invite: Request): string | undefined {
  return hasHeader(invite, "record-route") ? headerValues(invite, "record-route")[0] : undefined;
}

/** Whether requests can go to the Contact of a message. */
export function hasUsableContact(message: Response): boolean {
  const target = targetIn(message);
  const uri = target === undefined ? undefined : parseUri(target);
  return uri !== undefined && !isFault(uri) && uri.kind === "sip";
}

/** The user part of a Route URI: of ours, the token. */
function userIn(route: string): string | undefined {
  return /^[^<]*<sips?:([^@>]+)@/.exec(route)?.[1];
}
