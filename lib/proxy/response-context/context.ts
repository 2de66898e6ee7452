import type { Verification } from "../../transport/verification.ts";
import type { PhoneId, TransactionId } from "../../transport/identifiers.ts";
import type { DialogEnd, EndedBy } from "../../transport/envelope.ts";
import type { ReturnAddress } from "../../transport/return-address.ts";
import type { RouterQuestion } from "../../transport/routed-call.ts";
import type { OtherFlow, Retarget, Target } from "./target-set.ts";

/**
 * The state of one forked request (RFC 3261 §16.2) as plain data: it is stored as a row, and survives an eviction. The functions of
 * `fork.ts` and `deadlines.ts` decide on it. The request's text is kept beside it.
 */
export interface ResponseContext {
  /** Its key: the name of the transaction at the caller's home. */
  readonly transaction: TransactionId;
  readonly method: string;
  /** The home hint in its branches: constant while the context lives, also when keys change. Absent in rows of older builds. */
  readonly hint?: string;
  readonly answerTo: ReturnAddress;
  readonly branches: readonly ForkedBranch[];
  /** The final status that was sent upstream; 0 until then. */
  readonly final: number;
  /** Undefined unless the caller cancelled; then the value of the Reason header (RFC 3326), or "". */
  readonly cancelled: string | undefined;
  /** Who gave the call up; absent for the caller. */
  readonly cancelledBy?: EndedBy;
  /** A final response that the caller's home has not confirmed yet; `why` if the server itself ended the request. */
  readonly unconfirmed: { readonly status: number; readonly text: string; readonly why?: string } | undefined;
  /** Milliseconds; when the finished context may be deleted. */
  readonly collect: number;
  /** Absent for a call that simply goes to some phones; absent members have their defaults. */
  readonly search?: Search;
  /** The router of the domain is asked where the call goes; absent when its targets are known. */
  readonly asks?: RouterQuestion;
}

/** How the search for a target that answers continues when the present branches have failed. */
export interface Search {
  /** Groups of targets that have not been tried yet, the next one first (RFC 3261 §16.6). */
  readonly waiting: readonly (readonly ReachableTarget[])[];
  /** Milliseconds that a group rings while another one waits, and when the time of the present one ends. */
  readonly groupTime: number;
  readonly groupUntil: number;
  /** The user's rules: where a call goes if the user is busy, not registered, or does not answer in time. */
  readonly onBusy?: string | undefined;
  readonly onUnregistered?: string | undefined;
  readonly onNoAnswer?: { readonly to: string; readonly at: number } | undefined;
  /** No target is added any more, whatever phone registers. */
  readonly isClosed: boolean;
  /** RFC 3841 §9.1 no-cancel: when one phone has answered the others go on ringing. */
  readonly cancelsNobody: boolean;
  /** Contacts of 3xx responses are tried (RFC 3261 §16.7 step 4). */
  readonly recurses: boolean;
  /** The caller's end of the dialog, if the request was forwarded to us. */
  readonly caller?: DialogEnd | undefined;
  readonly forwardingTrail: readonly string[];
  readonly breadth: number;
  /** How many requests to other addresses may still be made, without those that the branches have got. Absent in rows of older builds. */
  readonly forwards?: number;
  /** The address of record that the sending flow is authenticated for. */
  readonly identity: string;
  /** Whether the caller's number was verified. */
  readonly verification?: Verification | undefined;
}

/** A target, and how it can be reached now: the host of its flow, or undefined while the phone is away. */
export interface ReachableTarget extends Target {
  readonly host: string | undefined;
  /** Milliseconds; until when the server waits for a phone that is away. */
  readonly until?: number;
  /** Milliseconds from now until a push notification wakes the phone, at once if 0; absent: it cannot be woken. */
  readonly wakeAfter?: number;
  /** Milliseconds from now: when an address gets the request, at once if absent; and how long it may ring then. */
  readonly delay?: number;
  readonly ringTime?: number;
}

/** One branch: a client transaction of ours towards one phone. */
export interface ForkedBranch {
  readonly index: number;
  readonly phone: PhoneId;
  readonly contact: string;
  readonly path: readonly string[];
  /** Our name in its Via: a request that is sent again must be the same. */
  readonly host: string;
  /** Milliseconds; when it was sent to the phone, 0 while it waits for the phone to reconnect. */
  readonly sent: number;
  /** Milliseconds; until when it waits for its phone, or for its turn. */
  readonly until: number;
  /** Milliseconds; when a push notification wakes its phone, unless the phone has answered before (RFC 8599 §5.6.2). */
  readonly wakeAt?: number | undefined;
  /** A push notification has been requested. */
  readonly isWoken?: true;
  /** It gets the request later, or when all others have refused. */
  readonly isDelayed?: true;
  /** Milliseconds that it may ring. */
  readonly ringTime?: number;
  /** Milliseconds; when it was cancelled, 0 if it was not. */
  readonly cancelled: number;
  /** The phone rang and disconnected before it got the CANCEL, which is sent when it reconnects, until the phone answers it. */
  readonly owesCancel?: boolean;
  /** Its final status, from the phone or by a timer; 0 until then. */
  readonly final: number;
  /** The final response that the phone sent, unless 2xx; without our Via. */
  readonly response: string | undefined;
  /** The final response is one of this server, for this reason; absent if a phone or another server has made it. */
  readonly why?: string;
  /** The binding, and the other flows of the same phone, tried in turn (RFC 5626 §5.3). */
  readonly key?: string;
  readonly others?: readonly OtherFlow[];
  /** It leads to another address and not to a phone, for this reason. */
  readonly retarget?: Retarget;
  /** How many requests to other addresses it may become, itself included. Absent in rows of older builds. */
  readonly forwards?: number;
  /** Milliseconds; the last provisional response of a forwarded branch. There is no socket here on which to note it. */
  readonly proceeding?: number | undefined;
  /** How many of its possible servers have failed or been silent. */
  readonly serversTried?: number;
  /** A 3xx whose Contacts were tried instead: it no longer counts as a response. */
  readonly isReplaced?: boolean;
}

/** Whether the branch rings, or may still ring. */
export function isPending(branch: ForkedBranch): boolean {
  return branch.final === 0 && branch.cancelled === 0;
}

/** An action that a decision requests, done after the context is saved. */
export type Effect =
  /** Send the request to the branch's phone. */
  | { readonly kind: "forward"; readonly branch: number }
  /** Cancel it there (RFC 3261 §9.1), with this Reason; overdue if the provisional response that it needs came on a lost socket. */
  | { readonly kind: "cancel"; readonly branch: number; readonly reason: string | undefined; readonly isOverdue?: boolean }
  /** Request a push notification for its phone. */
  | { readonly kind: "wake"; readonly branch: number }
  /** Its time is over: any work for it there must end, though no response came. */
  | { readonly kind: "abandon"; readonly branch: number }
  /** Send a response upstream; text is undefined if we make it ourselves. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly text: string | undefined;
      readonly also: readonly string[];
      readonly why?: string;
    };

export interface Decision {
  readonly context: ResponseContext;
  readonly effects: readonly Effect[];
}

/** Milliseconds. */
export interface ProxyTimers {
  /** 64*T1: Timers B and F, and how long a cancelled branch is waited for. */
  readonly transaction: number;
  /** Timer C, more than three minutes (RFC 3261 §16.6 step 11). */
  readonly timerC: number;
  /** How long a phone that is away is waited for. */
  readonly grace: number;
}

export function isDone(branch: ForkedBranch): boolean {
  return branch.final !== 0;
}

/** Whether it is not yet its turn to ring. */
export function isToCome({ isDelayed, sent, final }: ForkedBranch): boolean {
  return isDelayed === true && sent === 0 && final === 0;
}

/** Whether a phone that is away still has to get a CANCEL. */
export function owesCancel(context: ResponseContext): boolean {
  return context.branches.some((branch) => branch.owesCancel === true);
}

/** Milliseconds that a ringing phone may be away and still get the CANCEL when it reconnects. */
const maxAbsence = 3_600_000;

/** Milliseconds; when a finished context may be deleted. */
export function keptUntil(context: ResponseContext): number {
  return owesCancel(context) ? context.collect + maxAbsence : context.collect;
}

/** Whether a phone of the user rings, or may still ring; a binding that an administrator made counts too. */
export function ringsHere({ branches, search }: ResponseContext): boolean {
  const isOwn = ({ retarget }: ForkedBranch) => retarget === undefined || retarget.cause === "unknown";
  return branches.some((branch) => isPending(branch) && isOwn(branch)) || (search?.waiting.length ?? 0) > 0;
}

/** Whether other phones go on ringing after one has answered: the caller wants it so (RFC 3841 §9.1 no-cancel). */
export function ringsOn({ final, search, branches }: ResponseContext): boolean {
  return final >= 200 && final < 300 && search?.cancelsNobody === true && branches.some((branch) => !isDone(branch));
}
