import { legible } from "../../syntax/octets.ts";
import type { EndedBy } from "../../transport/envelope.ts";
import type { HomeName } from "../../transport/identifiers.ts";
import type { Verification } from "../../transport/verification.ts";
import { type ForkedBranch, type ResponseContext, isToCome } from "../response-context/context.ts";

export interface CallEnd {
  /** Milliseconds. */
  readonly at: number;
  readonly by: EndedBy;
}

/**
 * One step of a call. With a branch it is about one phone, or one address that the call was forwarded to:
 * - invite: the INVITE arrived
 * - routed: the router of the domain has decided, or its time was over
 * - sent, waiting: it went to a phone, or to the address of a static binding; or it waits for a phone that is away
 * - forwarded: it went to another address, or to a trunk
 * - woken: a push notification was requested for the phone
 * - flow lost, flow regained: of a phone that rings, or that is in the call
 * - provisional, final: a response of the branch; without a branch, the final response to the caller
 * - cancel: of a branch; without a branch, the caller, the network or the server gave the call up
 * - bye: the call ended
 */
export interface CallEvent {
  /** Milliseconds. */
  readonly at: number;
  readonly event:
    | "invite"
    | "routed"
    | "sent"
    | "waiting"
    | "forwarded"
    | "woken"
    | "flow lost"
    | "flow regained"
    | "provisional"
    | "final"
    | "cancel"
    | "bye";
  readonly branch?: number;
  readonly status?: number;
  /** A URI: of the phone, or of the address. */
  readonly to?: string;
  readonly trunk?: string;
  /** Why it was forwarded, or cancelled; or why there is no decision of the router. */
  readonly why?: string;
  /** What the router has decided, or what happens without its decision; and how many milliseconds that took. */
  readonly action?: string;
  readonly milliseconds?: number;
  readonly by?: EndedBy;
}

/** A phone that has answered an INVITE, with a refusal perhaps. Texts in notes are cut, and decoded for administrators. */
export interface Device {
  readonly branch: number;
  readonly userAgent?: string;
  readonly way: "dedicated" | "shared";
}

/** Who calls whom. */
export interface CallParties {
  /** Their addresses of record, if they are users of ours. */
  readonly caller?: string;
  readonly callee?: string;
  /** The trunk that the call came from. */
  readonly trunk?: string;
  /** Whether the caller's number was verified. */
  readonly verification?: Verification;
}

/** What a response context notes of its call, for the record. */
export interface CallNotes extends CallParties {
  /** Milliseconds: when the INVITE came. */
  readonly started: number;
  readonly timeline: readonly CallEvent[];
  readonly devices: readonly Device[];
  /** The final response to the caller. */
  readonly final?: { readonly at: number; readonly status: number; readonly reason: string; readonly why?: string };
  /** The name of the dialog, if a phone has answered. */
  readonly dialog?: string;
  /** The homes of its two ends. */
  readonly ends?: readonly HomeName[];
  /** Marks of the newest Contacts of both ends; that of the caller is in the INVITE at first. */
  readonly targets?: { readonly caller?: string; readonly callee?: string };
  /** A BYE has passed; it has no answer yet. With another target than the other end's it may have been written to be refused. */
  readonly bye?: CallEnd & { readonly isStray?: true; readonly isBinding?: true; readonly other?: HomeName };
  /** Absent while the call lasts. */
  readonly end?: CallEnd;
}

/** Maximum phones of a call, and events; the first and the last of these are kept. */
const maxDevices = 20;
const maxEvents = 80;
/** Characters of a URI, or of a reason phrase. */
const maxText = 200;

export function beginNotes(started: number, parties: CallParties = {}): CallNotes {
  return { ...parties, started, timeline: [{ at: started, event: "invite" }], devices: [] };
}

/** The notes, with what has changed from one state of the context to the next. */
export function noteChanges(notes: CallNotes, before: ResponseContext | undefined, after: ResponseContext, now: number): CallNotes {
  const events = after.branches.flatMap((branch) => changesOf(before?.branches[branch.index], branch, now));
  if (after.cancelled !== undefined && before?.cancelled === undefined) events.push(givenUp(after, now));
  const withEvents = events.length === 0 ? notes : noteEvents(notes, events);
  return notes.final === undefined && after.final !== 0 ? noteFinal(withEvents, after, now) : withEvents;
}

/** The notes with these events; if there are too many, those in the middle are dropped. */
export function noteEvents(notes: CallNotes, events: readonly CallEvent[]): CallNotes {
  const all = [...notes.timeline, ...events];
  const half = maxEvents / 2;
  return { ...notes, timeline: all.length > maxEvents ? [...all.slice(0, half), ...all.slice(-half)] : all };
}

/** The call has ended; undefined if that is noted already. */
export function noteEnd({ bye: _bye, ...notes }: CallNotes, end: CallEnd): CallNotes | undefined {
  if (notes.end !== undefined) return undefined;
  return { ...noteEvents(notes, [{ at: end.at, event: "bye", by: end.by }]), end };
}

/** A branch goes by this trunk. */
export function noteTrunk(notes: CallNotes, branch: number, trunk: string): CallNotes {
  const isIt = (one: CallEvent) => isSent(one) && one.branch === branch;
  return { ...notes, timeline: notes.timeline.map((one) => (isIt(one) ? { ...one, trunk } : one)) };
}

/** Whether a branch went out then: to a phone, or to an address that the user's rules, a static binding or a route names. */
export function isSent({ event }: CallEvent): boolean {
  return event === "forwarded" || event === "sent";
}

export function noteDevice(notes: CallNotes, device: Device): CallNotes {
  const others = notes.devices.filter(({ branch }) => branch !== device.branch);
  return { ...notes, devices: [...others, device].slice(-maxDevices) };
}

function changesOf(before: ForkedBranch | undefined, branch: ForkedBranch, now: number): CallEvent[] {
  const { index } = branch;
  const events: CallEvent[] = [];
  if (before === undefined || (isToCome(before) && branch.sent !== 0)) events.push(opened(branch, now));
  else if (branch.retarget === undefined && (before.sent === 0) !== (branch.sent === 0))
    events.push({ at: now, event: branch.sent === 0 ? "flow lost" : "flow regained", branch: index });
  if (isNewlyWoken(before, branch)) events.push({ at: now, event: "woken", branch: index });
  if (branch.proceeding !== undefined && before?.proceeding === undefined) events.push({ at: now, event: "provisional", branch: index });
  if (branch.cancelled !== 0 && (before?.cancelled ?? 0) === 0) events.push({ at: now, event: "cancel", branch: index });
  if (branch.final !== 0 && (before?.final ?? 0) === 0) events.push({ at: now, event: "final", branch: index, status: branch.final });
  return events;
}

function isNewlyWoken(before: ForkedBranch | undefined, { isWoken }: ForkedBranch): boolean {
  return isWoken === true && before?.isWoken !== true;
}

function opened(branch: ForkedBranch, now: number): CallEvent {
  const { index, contact, retarget, sent } = branch;
  const to = legible(contact, maxText);
  if (isToCome(branch)) return { at: now, event: "waiting", branch: index, to };
  if (retarget === undefined || retarget.cause === "unknown")
    return { at: now, event: sent === 0 && retarget === undefined ? "waiting" : "sent", branch: index, to };
  const { cause: why, trunk } = retarget;
  return { at: now, event: "forwarded", branch: index, to, why, ...(trunk === undefined ? {} : { trunk }) };
}

function givenUp({ cancelled = "", cancelledBy: by = "caller" }: ResponseContext, now: number): CallEvent {
  return { at: now, event: "cancel", by, ...(cancelled === "" ? {} : { why: legible(cancelled, maxText) }) };
}

function noteFinal(notes: CallNotes, { final: status, unconfirmed }: ResponseContext, now: number): CallNotes {
  const line = unconfirmed === undefined ? "" : unconfirmed.text.slice(0, unconfirmed.text.indexOf("\r\n"));
  const why = unconfirmed?.why === undefined ? {} : { why: legible(unconfirmed.why, maxText) };
  const final = { at: now, status, reason: legible(line.slice("SIP/2.0 200 ".length), maxText), ...why };
  return { ...noteEvents(notes, [{ at: now, event: "final", status }]), final };
}
