import type { NonceCounts } from "../authentication/digest.ts";
import { plainHash } from "../syntax/plain-hash.ts";
import type { Unread } from "./unread.ts";
import type { NonSubscriber } from "./non-subscriber.ts";
import type { Subscriber } from "../location/subscriber.ts";
import type { DialogEnd, RequestEnvelope, ResponseEnvelope } from "./envelope.ts";

/**
 * A socket of a home (RFC 5626: a flow) as its attachment remembers it: what must survive hibernation, and may end with the
 * socket. At most 16 KiB in all.
 */
export interface Flow {
  /** Eight random characters; also the socket's tag. */
  readonly id: string;
  /** The client's own socket, or a home connection that the edge proxy opened for one of its accounts. */
  readonly way: "dedicated" | "shared";
  /** The host by which the client reached us: what we call ourselves towards it. */
  readonly host: string;
  /** Address prefix of the client, for counting the unauthenticated. */
  readonly address: string;
  /** Milliseconds. */
  readonly opened: number;
  /** Whether a valid SIP message or keep-alive has come yet. */
  readonly hasValidMessage: boolean;
  /** Its frames are binary. */
  readonly wantsBinary?: boolean;
  /** Undefined before the flow is authenticated. */
  readonly authenticated: Authentication | undefined;
  /** The subscriber's row as the edge proxy read it, until the flow is authenticated: so that this costs no SQL. */
  readonly unverifiedSubscriber: Subscriber | undefined;
  readonly nonceCounts: NonceCounts;
  /** The client has been asked whether it reads, and has not answered. */
  readonly unread?: Unread | undefined;
  /** Wrong credentials that were tried here. */
  readonly failedAttempts?: number;
  /** The bindings that this flow carries. */
  readonly boundContacts: readonly BoundContact[];
  /** The phone that speaks here without a registration: it has called before, as its Contact tells, or has unregistered. */
  readonly unregisteredPhone?: string | undefined;
  /** Who is at the other end, if it is none of our subscribers. */
  readonly nonSubscriber?: NonSubscriber;
  /** INVITEs that came in here and have no final response yet. */
  readonly pendingInvites: readonly PendingInvite[];
  /** Branches sent here that have had a provisional response: what CANCEL and Timer C ask. */
  readonly proceeding: readonly ProceedingBranch[];
  /** The last branches answered here with a 2xx that the caller's home has, with a space before and behind each: one text is cheaper to keep than a list. */
  readonly confirmed?: string;
  /** Calls in progress here. */
  readonly activeCalls?: readonly CallInProgress[];
  /** What was sent here that a call depends on, and that has not been answered. */
  readonly sent?: readonly SentMessage[];
  /** What was told here of lists that are watched, by subscription. */
  readonly listStates?: Readonly<Record<string, NotificationState>>;
}

/** The connection may have been dead already: then it goes to the phone again on its next one. */
export interface SentMessage {
  /** By what its answer is known: the branch of a request, the transaction of a response. */
  readonly key: string;
  readonly phone: string;
  /** Milliseconds. */
  readonly at: number;
  /** The row that it, or what was sent under this key before, waits in. */
  readonly number?: number;
  /** Absent if its row has it. */
  readonly message?: RequestEnvelope | ResponseEnvelope;
}

/** So much of a list's state a phone has heard on its socket. */
export interface NotificationState {
  /** Of the last notification. */
  readonly version: number;
  /** Of the newest change that it knows. */
  readonly stamp: number;
  /** The CSeq number of the SUBSCRIBE that was answered with the full state. */
  readonly cseq: number;
  /** Milliseconds. */
  readonly at: number;
}

export interface CallInProgress {
  /** Made of its Call-ID and tags: of a dialog. In attachments and rows of older builds of the Call-ID alone. */
  readonly name: string;
  /** Milliseconds. */
  readonly since: number;
  /** Of the newest calls only. */
  readonly details?: CallDetails;
}

/** A call as the user's own phones may know it (RFC 4235 §4.1). */
export interface CallDetails {
  readonly callId: string;
  /** "" while there is none. */
  readonly localTag: string;
  readonly remoteTag: string;
  /** URIs: of either end, and the other one's Contact or "". Absent for a call of an older build. */
  readonly local?: string;
  readonly remote: string;
  readonly target: string;
  /** Where the other end is; or our Record-Route, in which that is sealed: seldom asked, it is opened then. */
  readonly far?: DialogEnd;
  readonly route?: string;
  /** The user has placed it. */
  readonly isCaller: boolean;
}

export interface Authentication {
  /** The version of the subscriber's row it was made against. */
  readonly version: number;
  /** Milliseconds. */
  readonly since: number;
  /** Milliseconds; when the row was last known to be the directory's. */
  readonly checked: number;
}

/** A binding on its flow: these times count, the row's may lag behind. */
export interface BoundContact {
  readonly key: string;
  readonly phone: string;
  readonly contact: string;
  readonly callId: string;
  readonly cseq: number;
  /** Milliseconds. */
  readonly expires: number;
}

export interface PendingInvite {
  readonly transaction: string;
  /** The home of the callee. */
  readonly home: string;
  readonly at: number;
  /** The phone ends its unanswered calls when it loses its socket. */
  readonly dropsOnDisconnect?: boolean;
  /** Of the call, as of one in progress. */
  readonly name?: string;
  /** A mark of the Contact that its phone was registered with: another one is that of a page which knows nothing of the call. */
  readonly contact?: string;
}

export interface ProceedingBranch {
  /** Response context and branch index. */
  readonly branch: string;
  /** Milliseconds of the last provisional response. */
  readonly at: number;
  /** The To tag of that response: of the early dialog. */
  readonly tag?: string;
}

/** The phone at the other end: of the binding the flow carries, or whom its Contact names; or the flow itself if it is nobody's. */
export function phoneOnFlow(flow: Flow): string {
  return flow.boundContacts[0]?.phone ?? flow.unregisteredPhone ?? flow.id;
}

/** A mark of the Contact that a phone is registered with on a flow; undefined if it is not. */
export function contactMark({ boundContacts }: Flow, phone: string): string | undefined {
  const own = boundContacts.find((one) => one.phone === phone);
  return own === undefined ? undefined : plainHash(own.contact);
}

/** Whether messages for a phone may go to this flow. */
export function leadsTo(flow: Flow, phone: string): boolean {
  return flow.id === phone || flow.unregisteredPhone === phone || flow.boundContacts.some((bound) => bound.phone === phone);
}
