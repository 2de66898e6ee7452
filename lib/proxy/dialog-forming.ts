import type { Alterations } from "../syntax/alter.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, type Response, hasHeader, headerValues } from "../syntax/message.ts";
import { parameter } from "../syntax/parameters.ts";
import { parseUri } from "../syntax/uri.ts";
import { targetIn } from "./bye.ts";

/** Maximum of proxies in a dialog, besides this server: each request within it names them all. */
export const maxRecordRoutes = 20;

export function hasTooManyRecordRoutes(message: Message): boolean {
  return recordRoutesOf(message).length > maxRecordRoutes;
}

/** The values of Record-Route, the uppermost first. */
export function recordRoutesOf(message: Message): readonly string[] {
  return hasHeader(message, "record-route") ? headerValues(message, "record-route") : [];
}

/**
 * What a 2xx to an INVITE lacks for the requests of its dialog, although its sender has to write it (RFC 3261 §12.1.1): the Record-Route of
 * the INVITE, ours first, below those of the proxies between; and a Contact. Without them the caller could not hang up, and the call would
 * count until it is forgotten. Undefined: it lacks nothing.
 * @param sent the Record-Route of the INVITE as it was sent, ours first
 * @param target its Request-URI
 */
export function missingIn(
  response: Response,
  sent: readonly string[] = [],
  target = "",
): Pick<Alterations, "remove" | "append"> | undefined {
  const recorded = recordRoutesOf(response);
  const isRecorded = sent.length === 0 || endsWith(recorded, sent);
  if (isRecorded && hasUsableContact(response)) return undefined;
  const own = sent[0] === undefined ? -1 : recorded.map(routeName).indexOf(routeName(sent[0]));
  const between = recorded.slice(0, Math.max(0, own));
  const routes = [...(between.length > maxRecordRoutes ? [] : between), ...sent].map((value): [string, string] => ["Record-Route", value]);
  const contacts: [string, string][] = hasUsableContact(response) ? [] : [["Contact", `<${target}>`]];
  const names = [...(isRecorded ? [] : ["record-route"]), ...(contacts.length === 0 ? [] : ["contact"])];
  return { remove: names, append: [...(isRecorded ? [] : routes), ...contacts] };
}

/** Whether these are the last ones, with few others before them. */
function endsWith(recorded: readonly string[], sent: readonly string[]): boolean {
  const last = recorded.slice(-sent.length);
  const others = recorded.length - sent.length;
  return others >= 0 && others <= maxRecordRoutes && sent.every((value, at) => routeName(value) === routeName(last[at] ?? ""));
}

/** Whether requests can go to the Contact of a message: with `lr` it would look like a proxy. */
export function hasUsableContact(message: Response): boolean {
  const target = targetIn(message);
  const uri = target === undefined ? undefined : parseUri(target);
  return uri !== undefined && !isFault(uri) && uri.kind === "sip" && parameter(uri.parameters, "lr") === undefined;
}

/** What tells one Route from another: of ours the token, of others the whole. */
function routeName(route: string): string {
  return /^[^<]*<sips?:(route\.[^@>]+)@/.exec(route)?.[1] ?? route;
}
