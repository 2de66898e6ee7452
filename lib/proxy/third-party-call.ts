import { alter } from "../syntax/alter.ts";
import { isFault } from "../syntax/fault.ts";
import { parseCSeq } from "../syntax/cseq.ts";
import { type Request, type Response, headerValue, headerValues } from "../syntax/message.ts";
import { toOctets } from "../syntax/octets.ts";
import type { CallDetails } from "../transport/flow.ts";
import { lastNumber } from "./hang-up.ts";

/** One of the two dialogs of a call that this server sets up between a user and another address (RFC 3725): the server is its caller. */
export interface OwnDialog {
  readonly callId: string;
  /** Of the server. */
  readonly tag: string;
  /** The dialog, once it is answered. */
  readonly details?: CallDetails;
}

/** An INVITE of the server in the name of one end. */
export interface OwnInvite extends Pick<OwnDialog, "callId" | "tag"> {
  readonly requestUri: string;
  /** URIs. */
  readonly from: string;
  readonly to: string;
  /** The host of its Via and Contact, and the user of its Contact. */
  readonly host: string;
  readonly user: string;
  readonly branch: string;
  /** Absent: the called phone offers (RFC 3261 §13.2.1). */
  readonly offer?: string;
  /** Further header lines. */
  readonly lines?: readonly string[];
}

/** Headers of our own requests on one of its dialogs. */
export interface Hop {
  readonly host: string;
  readonly user: string;
  readonly branch: string;
}

const methods = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, UPDATE, REFER, NOTIFY";

/** @returns octets, for the home that forwards it */
export function composeOwnInvite({ requestUri, from, to, tag, callId, host, user, branch, offer, lines = [] }: OwnInvite): string {
  return composed([
    `INVITE ${requestUri} SIP/2.0`,
    ...[via(host, branch), "Max-Forwards: 70", `From: <${from}>;tag=${tag}`, `To: <${to}>`, `Call-ID: ${callId}`, "CSeq: 1 INVITE"],
    ...[contactLine({ host, user }), `Allow: ${methods}`, ...lines],
    ...bodyLines(offer),
  ]);
}

/** The ACK for the 2xx of one of its dialogs; its answer to the offer in the 2xx, if there was one (RFC 3261 §13.2.2.4). */
export function composeOwnAck(details: CallDetails, { host, user, branch }: Hop, answer?: string, cseq = 1): string {
  const { target, remote, routes = [] } = details;
  return composed([
    `ACK ${target === "" ? remote : target} SIP/2.0`,
    ...[via(host, branch), "Max-Forwards: 70", ...routes.map((route) => `Route: ${route}`)],
    ...[...dialogLines(details).map(([name, value]) => `${name}: ${value}`), `CSeq: ${cseq} ACK`, contactLine({ host, user })],
    ...bodyLines(answer),
  ]);
}

/** Requests of one dialog have this much higher numbers in the other one, where the server has sent an INVITE (RFC 3261 §12.2.1.1). */
export const usualOffset = 10;

/** By how much the numbers are higher in the dialog that a request goes on in, and in the one that it comes from. */
export interface Offsets {
  readonly there: number;
  readonly here: number;
}

/** Lines that belong to one dialog, or to one hop of it. */
const ofDialog = ["via", "route", "record-route", "from", "to", "call-id", "cseq", "contact"];

/** A request of the server within one of its dialogs, in the name of the end that it stands for. */
export function composeWithin(
  method: "INVITE" | "NOTIFY",
  details: CallDetails,
  { host, user, branch }: Hop,
  { cseq, lines = [], body = "" }: { readonly cseq: number; readonly lines?: readonly string[]; readonly body?: string },
): string {
  const { target, remote, routes = [] } = details;
  return composed([
    `${method} ${target === "" ? remote : target} SIP/2.0`,
    ...[via(host, branch), "Max-Forwards: 70", ...routes.map((route) => `Route: ${route}`)],
    ...[...dialogLines(details).map(([name, value]) => `${name}: ${value}`), `CSeq: ${cseq} ${method}`, contactLine({ host, user })],
    ...[...lines, `Content-Length: ${body.length}`, "", body],
  ]);
}

/** A request of one dialog, as it goes on in the other one. @param details of the other dialog */
export function inOtherDialog(request: Request, details: CallDetails, hop: Hop, { there, here }: Offsets): string {
  const { target, remote, routes = [] } = details;
  const referred = request.method === "NOTIFY" ? referredBack(request, here) : undefined;
  const rack = rackAfter(request, here);
  return alter(request, {
    requestUri: toOctets(target === "" ? remote : target),
    remove: [...ofDialog, ...(referred === undefined ? [] : ["event"]), ...(rack === undefined ? [] : ["rack"])],
    push: [
      ["Via", viaValue(hop.host, hop.branch)],
      ...routes.map((route) => ["Route", toOctets(route)] as const),
      ...dialogLines(details).map(([name, value]) => [name, toOctets(value)] as const),
      ["CSeq", cseqAfter(request, there)],
      ...contactOf(request, hop),
      ...(referred === undefined ? [] : [["Event", referred] as const]),
      ...(rack === undefined ? [] : [["RAck", rack] as const]),
    ],
  });
}

/** Whether its number in the other dialog would be too high for a BYE of the server after it. */
export function isNumberTooHigh(request: Request, { there }: Offsets): boolean {
  const cseq = parseCSeq(headerValue(request, "cseq") ?? "");
  return isFault(cseq) || (request.method !== "ACK" && cseq.number + there >= lastNumber);
}

/** The response to such a request, as the dialog gets it that the request came from. */
export function inFirstDialog(response: Response, request: Request, place: Pick<Hop, "host" | "user">): string {
  const copied = (["From", "To", "Call-ID", "CSeq"] as const).map(
    (name) => [name, headerValue(request, name.toLowerCase()) ?? ""] as const,
  );
  return alter(response, {
    remove: [...ofDialog, "www-authenticate", "proxy-authenticate"],
    push: [...headerValues(request, "via").map((value) => ["Via", value] as const), ...copied, ...contactOf(response, place)],
  });
}

/** An answer that accepts no media of an offer (RFC 3264 §6): each stream has port 0. */
export function refusedMedia(offer: string): string {
  const refused = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"];
  let isOfStream = false;
  for (const line of offer.split(/\r\n|\n/)) {
    if (line.startsWith("m=")) {
      isOfStream = true;
      refused.push(line.replace(/^(m=\S+) \d+/, "$1 0"), "c=IN IP4 0.0.0.0", "a=inactive");
    } else if (isOfStream && line.startsWith("a=mid:")) refused.push(line);
  }
  return [...refused, ""].join("\r\n");
}

function referredBack(notify: Request, offset: number): string | undefined {
  const written = headerValue(notify, "event") ?? "";
  const id = /^refer[ \t]*;[ \t]*id[ \t]*=[ \t]*(\d{1,10})$/i.exec(written)?.[1];
  return id === undefined ? undefined : `refer;id=${Number(id) - offset}`;
}

/** RFC 3262 §7.2: it names an INVITE by the number that this has in the dialog which the request comes from. */
function rackAfter(request: Request, offset: number): string | undefined {
  const [response, cseq, method] = (headerValue(request, "rack") ?? "").split(/[ \t]+/);
  return cseq === undefined || method === undefined || !/^\d{1,10}$/.test(cseq)
    ? undefined
    : `${response} ${Number(cseq) - offset} ${method}`;
}

function cseqAfter(request: Request, offset: number): string {
  const cseq = parseCSeq(headerValue(request, "cseq") ?? "");
  return `${isFault(cseq) ? offset : cseq.number + offset} ${request.method}`;
}

function contactOf(message: Request | Response, place: Pick<Hop, "host" | "user">): readonly (readonly [string, string])[] {
  return headerValue(message, "contact") === undefined ? [] : [["Contact", contactValue(place)]];
}

function contactValue({ host, user }: Pick<Hop, "host" | "user">): string {
  return `<sip:${user}@${host}>`;
}

function contactLine(place: Pick<Hop, "host" | "user">): string {
  return `Contact: ${contactValue(place)}`;
}

function dialogLines({ local = "", localTag, remote, remoteTag, callId }: CallDetails): readonly (readonly [string, string])[] {
  const tag = (value: string) => (value === "" ? "" : `;tag=${value}`);
  return [
    ["From", `<${local}>${tag(localTag)}`],
    ["To", `<${remote}>${tag(remoteTag)}`],
    ["Call-ID", callId],
  ];
}

function viaValue(host: string, branch: string): string {
  return `SIP/2.0/WSS ${host};branch=z9hG4bK${branch}`;
}

function via(host: string, branch: string): string {
  return `Via: ${viaValue(host, branch)}`;
}

function bodyLines(body: string | undefined): readonly string[] {
  return body === undefined ? ["Content-Length: 0", "", ""] : ["Content-Type: application/sdp", `Content-Length: ${body.length}`, "", body];
}

/** The body is octets already. */
function composed(lines: readonly string[]): string {
  return [...lines.slice(0, -1).map(toOctets), lines.at(-1)].join("\r\n");
}
