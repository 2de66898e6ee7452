import { isFault } from "../syntax/fault.ts";
import type { Alterations } from "../syntax/alter.ts";
import { type Request, hasHeader, headerValues } from "../syntax/message.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { parameter } from "../syntax/parameters.ts";
import { equalUris, parseUri } from "../syntax/uri.ts";
import { wantsPrivacy } from "../syntax/privacy.ts";
import type { Retarget } from "./response-context/target-set.ts";

type Lines = readonly (readonly [name: string, value: string])[];

export interface Retargeting extends Retarget {
  /** The address of record that forwards the request, and the URI that it is forwarded to. */
  readonly from: string;
  readonly to: string;
  /** The position of this address among those that this context has tried, from 1. */
  readonly count: number;
}

/** The names of the reasons in RFC 5806 §4. A target of the location table is not a diversion. */
const diverted = ["unconditional", "user-busy", "no-answer", "unavailable", "deflection"];

/**
 * The addresses that a request has come through: History-Info (RFC 7044 §10), and Diversion (RFC 5806) for devices that support only that.
 * New lines stand before the existing ones in Diversion, and after them in History-Info.
 */
export function historyOf(request: Request, retargeting: Retargeting): { readonly push: Lines; readonly append: Lines } {
  const { from, cause } = retargeting;
  const diversion: Lines = diverted.includes(cause) ? [["Diversion", `<${from}>;reason=${cause};counter=1`]] : [];
  return { push: diversion, append: historyInfo(request, retargeting) };
}

/**
 * For a request that leaves our domain and asks for privacy: the addresses here that it has come through are made anonymous (RFC 7044
 * §10.1.2). Undefined if nothing changes.
 */
export function hideHistory(request: Request, domain: string): Pick<Alterations, "remove" | "append"> | undefined {
  const isTold = hasHeader(request, "history-info") || hasHeader(request, "diversion");
  if (!isTold || !wantsPrivacy(request, ["history", "header"])) return undefined;
  const append = headerValues(request, "history-info").map((entry) => ["History-Info", anonymised(entry, domain)] as const);
  return { remove: ["history-info", "diversion"], append };
}

/** The entry with its index; made anonymous if it is about one of our users. */
function anonymised(entry: string, domain: string): string {
  const address = parseNameAddress(entry);
  const uri = isFault(address) ? address : parseUri(address.uri);
  if (isFault(uri) || uri.kind !== "sip" || uri.host.toLowerCase() !== domain) return entry;
  return `<sip:anonymous@anonymous.invalid>${entry.slice(entry.indexOf(">") + 1)}`;
}

function historyInfo(request: Request, { to, status, count }: Retargeting): Lines {
  const last = headerValues(request, "history-info").at(-1);
  const index = indexOf(last);
  // RFC 7044 §9.1: the entry that the previous home should have added, with who forwards; §10.3: 0 stands for what is missing.
  const isMissing = index === undefined || !isFor(request.requestUri, last);
  const parent = index === undefined ? "1" : isMissing ? `${index}.0` : index;
  const own: Lines = isMissing ? [["History-Info", `<${withReason(request.requestUri, status)}>;index=${parent}`]] : [];
  return [...own, ["History-Info", `<${to}>;index=${parent}.${count};mp=${parent}`]];
}

/** Whether an entry has the Request-URI, whatever reasons it has. */
function isFor(requestUri: string, entry: string | undefined): boolean {
  const address = parseNameAddress(entry ?? "");
  const uri = isFault(address) ? address : parseUri(address.uri);
  const asked = parseUri(requestUri);
  if (isFault(uri) || isFault(asked)) return false;
  return equalUris(uri.kind === "sip" ? { ...uri, headers: undefined } : uri, asked);
}

/** RFC 7044 §10.2: why the target failed, in the headers of its URI. */
function withReason(uri: string, status: number | undefined): string {
  if (status === undefined) return uri;
  const separator = uri.includes("?") ? "&" : "?";
  return `${uri}${separator}Reason=SIP%3Bcause%3D${status}`;
}

function indexOf(entry: string | undefined): string | undefined {
  if (entry === undefined) return undefined;
  const address = parseNameAddress(entry);
  return isFault(address) ? undefined : parameter(address.parameters, "index");
}
