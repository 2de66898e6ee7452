import type { ReturnAddress } from "../transport/envelope.ts";

/**
 * The state of one forked request (RFC 3261 §16.2), plain data: it is a row, survives any loss of memory, and is decided on by
 * the functions of `fork.ts` and `deadlines.ts`. The request's text is kept beside it.
 */
export interface ResponseContext {
  /** Its key: the transaction's name at the caller's home. */
  readonly transaction: string;
  readonly method: string;
  readonly answerTo: ReturnAddress;
  readonly branches: readonly ForkedBranch[];
  /** The final status that was sent upstream; 0 while there is none. */
  readonly final: number;
  /** Whether the caller cancelled; the value of his Reason header (RFC 3326) or "". */
  readonly cancelled: string | undefined;
  /** A final response that the caller's home has not confirmed yet. */
  readonly owed: { readonly status: number; readonly text: string } | undefined;
  /** Milliseconds; when the context may be thrown away, once it is finished. */
  readonly collect: number;
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
  /** It rang, and was cancelled while its phone was away: the CANCEL waits for the phone to come back. */
  readonly owesCancel?: boolean;
  /** Its final status, of the phone or by a timer; 0 while there is none. */
  readonly final: number;
  /** The final response if a phone sent one that is not 2xx, our Via taken off. */
  readonly response: string | undefined;
}

/** What a decision asks to be done, after the context was saved. */
export type Effect =
  /** Put the request on the branch's phone. */
  | { readonly kind: "forward"; readonly branch: number }
  /** Cancel it there (RFC 3261 §9.1), with this Reason; overdue, if the provisional response that it needs came on a lost socket. */
  | { readonly kind: "cancel"; readonly branch: number; readonly reason: string | undefined; readonly isOverdue?: boolean }
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
}

export function isDone(branch: ForkedBranch): boolean {
  return branch.final !== 0;
}

/** Whether a phone that is away has yet to be told to stop ringing. */
export function owesCancel(context: ResponseContext): boolean {
  return context.branches.some((branch) => branch.owesCancel === true);
}

/** Whether all that is left is to throw the context away. */
export function isFinished(context: ResponseContext): boolean {
  return context.final !== 0 && context.owed === undefined;
}
