import type { ForkedBranch, ResponseContext } from "../response-context/context.ts";
import { isByDomain } from "../response-context/target-set.ts";
import { type Request, headerValue } from "../../syntax/message.ts";
import { legible } from "../../syntax/octets.ts";
import { maskUri } from "../../syntax/masks.ts";
import { textHash } from "../../syntax/text-hash.ts";
import type { EndedBy } from "../../transport/envelope.ts";
import type { Verification } from "../../transport/verification.ts";
import { type CallEvent, type CallNotes, type CallParties, type Device, beginNotes, isSent, noteEvents } from "./call-notes.ts";
import { type Outcome, endOfUnanswered, outcomeOf } from "./outcome.ts";

/** A call that is over, as it is kept for the administrators of the domains of its users. Times in milliseconds since 1970. */
export interface CallRecord {
  /** Sorts by `started`. */
  readonly id: string;
  readonly callId: string;
  /** Each of them that is ours gets the record. */
  readonly domains: readonly string[];
  /** Values of the headers. */
  readonly from: string;
  readonly to: string;
  /** The Request-URI. */
  readonly dialled: string;
  /** Addresses of record: of the caller, "" for one without an account; and of the user who was called, "" if that is no user of ours. */
  readonly caller: string;
  readonly callee: string;
  /** The addresses that the call was forwarded to. */
  readonly forwarded: readonly string[];
  /** The trunk that it came from, or went to. */
  readonly trunk?: string;
  /** Whether the caller's number was verified; absent if that was not tried. */
  readonly verification?: Verification;
  readonly started: number;
  /** The first response that says that it rings, or makes progress. */
  readonly rang?: number;
  readonly answered?: number;
  readonly ended: number;
  readonly outcome: Outcome;
  /** The final response to the caller. */
  readonly status: number;
  readonly reason: string;
  /** The server's own explanation. */
  readonly why?: string;
  readonly endedBy: EndedBy;
  /** The User-Agent of the caller. */
  readonly callerDevice?: string;
  readonly devices: readonly Device[];
  readonly timeline: readonly CallEvent[];
}

/** What is known of a call while it lasts. */
export type BegunCall = Pick<
  CallRecord,
  "id" | "callId" | "domains" | "from" | "to" | "dialled" | "caller" | "callee" | "trunk" | "verification" | "started" | "callerDevice"
>;

/** Characters of a header's value. */
const maxValue = 256;

/** The id of a call's record, and the domains that get it. @param domain of the home that has the call's notes */
export function recordPlace(transaction: string, notes: CallNotes, domain: string): Pick<CallRecord, "id" | "domains"> {
  return { id: recordId(notes.started, transaction), domains: usersOf(notes, domain).domains };
}

/** @param domain of the home that has the call's notes */
export function begunCall(transaction: string, notes: CallNotes, request: Request, domain: string): BegunCall {
  const trunk = notes.trunk === undefined ? {} : { trunk: notes.trunk };
  return { ...headersOf(request, notes.started, transaction), ...usersOf(notes, domain), ...trunk, ...verificationOf(notes) };
}

/** The record of a call that is over; undefined while it rings, or lasts. */
export function recordOf(context: ResponseContext, notes: CallNotes, request: Request, domain: string): CallRecord | undefined {
  const { final, end = endOfUnanswered(context, notes) } = notes;
  if (final === undefined || end === undefined) return undefined;
  const isAnswered = final.status < 300;
  const { trunk = trunkOf(context, notes, final.status) } = notes;
  const timeline = notes.timeline.toSorted((one, other) => one.at - other.at);
  const rang = timeline.find(({ event, branch }) => event === "provisional" && branch !== undefined)?.at;
  return {
    ...headersOf(request, notes.started, context.transaction),
    ...usersOf(notes, domain),
    forwarded: context.branches.filter(isForwarded).map(({ contact }) => legible(contact, maxValue)),
    ...(trunk === undefined ? {} : { trunk }),
    ...verificationOf(notes),
    ...(rang === undefined ? {} : { rang }),
    ...(isAnswered ? { answered: final.at } : {}),
    ended: end.at,
    outcome: outcomeOf(final.status, context.cancelled),
    status: final.status,
    reason: final.reason,
    ...(final.why === undefined ? {} : { why: final.why }),
    endedBy: end.by,
    devices: notes.devices,
    timeline,
  };
}

/**
 * The record of a call that was refused before anything rang.
 * @param transaction its name, the same when it is repeated
 * @param domain of the home that writes the record
 */
export function recordOfRefused(
  request: Request,
  transaction: string,
  { status, reason, why }: { readonly status: number; readonly reason: string; readonly why?: string | undefined },
  {
    parties,
    domain,
    started,
    now,
  }: { readonly parties: CallParties; readonly domain: string; readonly started: number; readonly now: number },
): CallRecord {
  return {
    ...headersOf(request, started, transaction),
    ...usersOf(parties, domain),
    ...(parties.trunk === undefined ? {} : { trunk: parties.trunk }),
    ...verificationOf(parties),
    forwarded: [],
    ended: now,
    outcome: outcomeOf(status, undefined),
    ...{ status, reason: legible(reason, maxValue), ...(why === undefined ? {} : { why: legible(why, maxValue) }) },
    endedBy: "server",
    devices: [],
    timeline: noteEvents(beginNotes(started), [{ at: now, event: "final", status }]).timeline,
  };
}

function headersOf(request: Request, started: number, transaction: string) {
  const value = (name: string) => legible(headerValue(request, name) ?? "", maxValue);
  const { userAgent: callerDevice } = userAgentOf(headerValue(request, "user-agent"));
  return {
    id: recordId(started, transaction),
    ...{ callId: value("call-id"), from: maskUri(value("from")), to: maskUri(value("to")), started },
    dialled: maskUri(legible(request.requestUri, maxValue)),
    ...(callerDevice === undefined ? {} : { callerDevice }),
  };
}

/** The id of the record of a call, as soon as it has come. */
export function recordId(started: number, transaction: string): string {
  return `${started.toString(36)}-${textHash(transaction).slice(1)}`;
}

function usersOf({ caller = "", callee = "" }: CallParties, domain: string) {
  const domains = [domain, domainOf(caller)].filter((one) => one !== "");
  return { caller, callee, domains: [...new Set(domains)] };
}

function verificationOf({ verification }: CallParties): Pick<CallRecord, "verification"> {
  return verification === undefined ? {} : { verification };
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/** Milliseconds: when the call of a record started; undefined if the id is not one. */
export function startIn(id: string): number | undefined {
  const [, digits] = /^([\da-z]{1,10})-[\w-]{1,40}$/.exec(id) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

function userAgentOf(written: string | undefined): { readonly userAgent?: string } {
  return written === undefined ? {} : { userAgent: legible(written, maxValue) };
}

/** Whether the user's rules, a phone or a route sent the call elsewhere; what a route does with all calls is no forwarding. */
function isForwarded({ retarget }: ForkedBranch): boolean {
  return retarget !== undefined && !isByDomain(retarget) && retarget.cause !== "unknown";
}

/** The trunk of the branch whose response the caller got; after a refusal that of any. */
function trunkOf({ branches }: ResponseContext, { timeline }: CallNotes, status: number): string | undefined {
  const isChosen = (branch: number | undefined) => status >= 300 || branches[branch ?? -1]?.final === status;
  return timeline.find((one) => isSent(one) && one.trunk !== undefined && isChosen(one.branch))?.trunk;
}
