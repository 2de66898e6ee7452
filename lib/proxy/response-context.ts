import type { DialogEnd, ReturnAddress } from "../transport/envelope.ts";
import type { OtherFlow, Retarget, Target } from "./target-set.ts";

/**
 * The state of one forked request (RFC 3261 §16.2), plain data: it is a row, survives any loss of memory, and is decided on by
 * the functions of `fork.ts` and `deadlines.ts`. The request's text is kept beside it.
 */
export interface ResponseContext {
  /** Its key: the transaction's name at the caller's home. */
  readonly transaction: string;
  readonly method: string;
  /** The home hint in its branches: the same as long as it lives, whatever the keys are. Absent in rows of older builds. */
  readonly hint?: string;
  readonly answerTo: ReturnAddress;
  readonly branches: readonly ForkedBranch[];
  /** The final status that was sent upstream; 0 while there is none. */
  readonly final: number;
  /** Whether the caller cancelled; the value of his Reason header (RFC 3326) or "". */
  readonly cancelled: string | undefined;
  /** A final response that the caller's home has not confirmed yet; why, if we had to make an end of it. */
  readonly unconfirmed: { readonly status: number; readonly text: string; readonly why?: string } | undefined;
  /** Milliseconds; when the context may be thrown away, once it is finished. */
  readonly collect: number;
  /** What else is known of the request where it is more than a call to some phones: absent members say nothing of it. */
  readonly search?: Search;
}

/** How the search for somebody who answers goes on when the branches that there are have come to nothing. */
export interface Search {
  /** Groups of targets that have not been tried yet, the next one first (RFC 3261 §16.6). */
  readonly waiting: readonly (readonly ReachableTarget[])[];
  /** Milliseconds that a group has while another one waits, and when the present one's time is over. */
  readonly groupTime: number;
  readonly groupUntil: number;
  /** The user's rules: whom a call goes to that finds him busy, not there, or that he does not answer by then. */
  readonly onBusy?: string | undefined;
  readonly onUnregistered?: string | undefined;
  readonly onNoAnswer?: { readonly to: string; readonly at: number } | undefined;
  /** No target is added any more, whoever registers. */
  readonly isClosed: boolean;
  /** RFC 3841 §9.1 no-cancel: when one has answered the others go on ringing. */
  readonly cancelsNobody: boolean;
  /** Contacts of 3xx responses are tried (RFC 3261 §16.7 step 4). */
  readonly recurses: boolean;
  /** The caller's end of the dialog, if the request was sent on to us. */
  readonly caller?: DialogEnd | undefined;
  readonly forwardingTrail: readonly string[];
  readonly breadth: number;
  /** The address of record that the sending flow is authenticated for. */
  readonly identity: string;
}

/** A target with how it can be reached now: the host its flow came by, or undefined while the phone is away. */
export interface ReachableTarget extends Target {
  readonly host: string | undefined;
  /** Milliseconds; until when a phone that is away is waited for. */
  readonly until?: number;
}

/** One branch: a client transaction of ours towards one phone. */
export interface ForkedBranch {
  readonly index: number;
  readonly phone: string;
  readonly contact: string;
  readonly path: readonly string[];
  /** The host we named ourselves by in its Via: what was sent once is sent the same again. */
  readonly host: string;
  /** Milliseconds; when it went to the phone, 0 while it waits for the phone to come back. */
  readonly sent: number;
  /** Milliseconds; until when it waits for its phone. */
  readonly until: number;
  /** Milliseconds; when it was cancelled, 0 if it was not. */
  readonly cancelled: number;
  /** It rang, and its phone went away before it was told that this is over: the CANCEL waits for it to come back, until it is answered. */
  readonly owesCancel?: boolean;
  /** Its final status, of the phone or by a timer; 0 while there is none. */
  readonly final: number;
  /** The final response if a phone sent one that is not 2xx, our Via taken off. */
  readonly response: string | undefined;
  /** The binding it goes by, and the other flows of the same phone, tried in turn (RFC 5626 §5.3). */
  readonly key?: string;
  readonly others?: readonly OtherFlow[];
  /** It leads to another address and not to a phone, for this reason. */
  readonly retarget?: Retarget;
  /** Milliseconds; when its last provisional response came, if it was sent on: there is no socket here to note that on. */
  readonly proceeding?: number | undefined;
  /** How many of the servers that it may go to have failed, or been silent. */
  readonly serversTried?: number;
  /** A 3xx whose Contacts were tried in its place: it is no response any more. */
  readonly isReplaced?: boolean;
}

/** Whether the branch rings somewhere, or may yet. */
export function isPending(branch: ForkedBranch): boolean {
  return branch.final === 0 && branch.cancelled === 0;
}

/** What a decision asks to be done, after the context was saved. */
export type Effect =
  /** Put the request on the branch's phone. */
  | { readonly kind: "forward"; readonly branch: number }
  /** Cancel it there (RFC 3261 §9.1), with this Reason; overdue, if the provisional response that it needs came on a lost socket. */
  | { readonly kind: "cancel"; readonly branch: number; readonly reason: string | undefined; readonly isOverdue?: boolean }
  /** Its time is over: whatever goes on there for it is to end, though nothing was heard of it. */
  | { readonly kind: "abandon"; readonly branch: number }
  /** Send a response upstream; text is undefined where we make it ourselves. */
  | { readonly kind: "answer"; readonly status: number; readonly text: string | undefined; readonly also: readonly string[] };

export interface Decision {
  readonly context: ResponseContext;
  readonly effects: readonly Effect[];
}

/** Milliseconds. */
export interface ProxyTimers {
  /** 64*T1: Timers B and F, and how long a cancelled branch is waited for. */
  readonly transaction: number;
  /** Timer C, more than three minutes (RFC 3261 §16.6 step 11). */
  readonly ringing: number;
  /** How long a phone that is away is waited for. */
  readonly grace: number;
}

export function isDone(branch: ForkedBranch): boolean {
  return branch.final !== 0;
}

/** Whether a phone that is away has yet to be told to stop ringing. */
export function owesCancel(context: ResponseContext): boolean {
  return context.branches.some((branch) => branch.owesCancel === true);
}

/** Milliseconds that a phone which rang when it went away may stay away, and is still told that its ringing is over. */
const maxAbsence = 3_600_000;

/** Milliseconds; when a context that is finished may be thrown away. */
export function keptUntil(context: ResponseContext): number {
  return owesCancel(context) ? context.collect + maxAbsence : context.collect;
}

/** Whether one of the user's own phones rings, or may yet; what an administrator has registered for him counts as such. */
export function ringsHere({ branches, search }: ResponseContext): boolean {
  const isOwn = ({ retarget }: ForkedBranch) => retarget === undefined || retarget.cause === "unknown";
  return branches.some((branch) => isPending(branch) && isOwn(branch)) || (search?.waiting.length ?? 0) > 0;
}

/** Whether phones go on ringing though another one has answered: the caller wants it so (RFC 3841 §9.1 no-cancel). */
export function ringsOn({ final, search, branches }: ResponseContext): boolean {
  return final >= 200 && final < 300 && search?.cancelsNobody === true && branches.some((branch) => !isDone(branch));
}

/** Whether all that is left is to throw the context away. */
export function isFinished(context: ResponseContext): boolean {
  const { final, unconfirmed, branches } = context;
  const isCancelling = branches.some((branch) => branch.cancelled !== 0 && !isDone(branch));
  return final !== 0 && unconfirmed === undefined && !ringsOn(context) && !isCancelling;
}
