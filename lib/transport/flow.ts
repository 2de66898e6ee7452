import type { FlowId, HomeName, PhoneId, TransactionId } from "./identifiers.ts";
import type { NonceCounts } from "../authentication/digest.ts";
import type { TokenLimits } from "../authentication/token-limits.ts";
import { plainHash } from "../syntax/plain-hash.ts";
import type { Unread } from "./unread.ts";
import type { NonSubscriber } from "./non-subscriber.ts";
import type { Subscriber } from "../location/subscriber.ts";
import type { DialogEnd, RequestEnvelope, ResponseEnvelope } from "./envelope.ts";

/** The version of the shape of flows that this build attaches. */
export const flowVersion = 2;

/**
 * A socket of a home (RFC 5626: a flow) as stored in its attachment: what must survive hibernation, and may end with the socket. At most 16
 * KiB in all.
 */
export interface Flow {
  /** Of its shape: it is attached as it is. Attachments of the first release have none. */
  readonly version: typeof flowVersion;
  /** Eight random characters; also the socket's tag. */
  readonly id: FlowId;
  /** The client's own socket, or a home connection that the edge proxy opened for one of its accounts. */
  readonly way: "dedicated" | "shared";
  /** The host by which the client reached us: our name in messages to it. */
  readonly host: string;
  /** Address prefix of the client, for the limit of unauthenticated connections. */
  readonly address: string;
  /** Milliseconds. */
  readonly opened: number;
  /** Whether a valid SIP message or keep-alive has arrived. */
  readonly hasValidMessage: boolean;
  /** Its frames are binary. */
  readonly wantsBinary?: boolean;
  /** Undefined before the flow is authenticated. */
  readonly authenticated: Authentication | undefined;
  /** The subscriber's row as the edge proxy read it, until the flow is authenticated: so that no SQL is needed before. */
  readonly unverifiedSubscriber: Subscriber | undefined;
  readonly nonceCounts: NonceCounts;
  /** The probe that the client has not answered yet: it tests whether the client reads. */
  readonly unread?: Unread | undefined;
  /** Wrong credentials that were tried here. */
  readonly failedAttempts?: number;
  /** The bindings that this flow carries. */
  readonly boundContacts: readonly BoundContact[];
  /** The phone that sends here without a registration: known by the Contact of its calls, or it has unregistered. */
  readonly unregisteredPhone?: PhoneId | undefined;
  /** Where the users of this domain get tokens, if it has an issuer: for challenges (RFC 8898 §2.1.1). */
  readonly authorizationServer?: string;
  /** The guest or peer at the other end, if it is not a subscriber. */
  readonly nonSubscriber?: NonSubscriber;
  /** Those of the token that has opened it. */
  readonly tokenLimits?: TokenLimits;
  /** INVITEs that arrived here and have no final response yet. */
  readonly pendingInvites: readonly PendingInvite[];
  /** Branches sent here that have had a provisional response: CANCEL and Timer C need it. */
  readonly proceeding: readonly ProceedingBranch[];
  /**
   * The last branches answered here with a 2xx that the caller's home has, a space before and after each: one text is smaller than a list.
   */
  readonly confirmed?: string;
  /** Calls in progress here. */
  readonly activeCalls?: readonly CallInProgress[];
  /** Messages sent here that a call depends on, and that have not been answered. */
  readonly sent?: readonly SentMessage[];
  /** The notification state here of each watched list, by subscription. */
  readonly listStates?: Readonly<Record<string, NotificationState>>;
}

/** The connection may already have been dead: then the message is sent to the phone again on its next one. */
export interface SentMessage {
  /** Identifies its answer: the branch of a request, the transaction of a response. */
  readonly key: string;
  readonly phone: PhoneId;
  /** Milliseconds. */
  readonly at: number;
  /** The row that holds it, or that held the previous message of this key. */
  readonly number?: number;
  /** Absent if it is in its row. */
  readonly message?: RequestEnvelope | ResponseEnvelope;
}

/** How much of a list's state a phone has received on its socket. */
export interface NotificationState {
  /** The version of the last notification. */
  readonly version: number;
  /** The stamp of the newest change in it. */
  readonly stamp: number;
  /** The CSeq number of the SUBSCRIBE that was answered with the full state. */
  readonly cseq: number;
  /** Milliseconds. */
  readonly at: number;
}

export interface CallInProgress {
  /** The name of the dialog, from its Call-ID and tags. In attachments and rows of older builds from the Call-ID only. */
  readonly name: string;
  /** Milliseconds. */
  readonly since: number;
  /** For the newest calls only. */
  readonly details?: CallDetails;
}

/** A call as the user's own phones may see it (RFC 4235 §4.1). */
export interface CallDetails {
  readonly callId: string;
  /** "" until there is one. */
  readonly localTag: string;
  readonly remoteTag: string;
  /** URIs: of both ends, and the Contact of the other end or "". Absent for a call of an older build. */
  readonly local?: string;
  readonly remote: string;
  readonly target: string;
  /** The newest Contact of the other end, if that has changed. Only what its own BYEs are compared with: another one may have said it. */
  readonly newTarget?: string;
  /** The other end; or our Record-Route, in which it is sealed and which is opened only when needed. */
  readonly far?: DialogEnd;
  readonly route?: string;
  /** The Routes of a request to the other end beyond this server, in their order. */
  readonly routes?: readonly string[];
  /** The user has placed the call. */
  readonly isCaller: boolean;
}

/** A token by which a flow was authenticated. */
export interface TokenMark {
  /** Milliseconds: when it expires. */
  readonly until: number;
  /** Its hash: the same token is not verified again. */
  readonly hash: string;
  /** Milliseconds: the last moment at which it may have been issued; absent in marks of older builds. */
  readonly issued?: number;
}

export interface Authentication {
  /** The version of the subscriber's row that was used. */
  readonly version: number;
  /** Milliseconds. */
  readonly since: number;
  /** Milliseconds; when the row was last known to equal the directory's. */
  readonly checked: number;
  /** Absent: by a password. */
  readonly byToken?: TokenMark;
}

/** A binding on its flow: these times are valid, those of the row may be older. */
export interface BoundContact {
  readonly key: string;
  readonly phone: PhoneId;
  readonly contact: string;
  readonly callId: string;
  readonly cseq: number;
  /** Milliseconds. */
  readonly expires: number;
}

export interface PendingInvite {
  readonly transaction: TransactionId;
  /** The home of the callee. */
  readonly home: HomeName;
  readonly at: number;
  /** The phone ends its unanswered calls when it loses its socket. */
  readonly dropsOnDisconnect?: boolean;
  /** The name of the call, as in calls in progress. */
  readonly name?: string;
  /** A mark of the Contact that its phone was registered with. If the Contact changes, the page was reloaded and does not know the call. */
  readonly contact?: string;
}

export interface ProceedingBranch {
  /** Response context and branch index. */
  readonly branch: string;
  /** Milliseconds of the last provisional response. */
  readonly at: number;
  /** The To tag of that response, which identifies the early dialog. */
  readonly tag?: string;
  /** Each status that came, and when it came first (milliseconds), in turn. */
  readonly progress?: readonly number[];
}

/** The phone at the other end: from the binding on the flow, or from its Contact; else the flow itself. */
export function phoneOnFlow(flow: Flow): PhoneId {
  return flow.boundContacts[0]?.phone ?? flow.unregisteredPhone ?? phoneNamedAfter(flow);
}

/** A phone that is only known by its connection. */
function phoneNamedAfter({ id }: Flow): PhoneId {
  return id as string;
}

/** A mark of the Contact that a phone is registered with on a flow; undefined if it is not registered. */
export function contactMark({ boundContacts }: Flow, phone: PhoneId): string | undefined {
  const own = boundContacts.find((one) => one.phone === phone);
  return own === undefined ? undefined : plainHash(own.contact);
}

/** Whether messages for a phone may go to this flow. */
export function leadsTo(flow: Flow, phone: PhoneId): boolean {
  return phoneNamedAfter(flow) === phone || flow.unregisteredPhone === phone || flow.boundContacts.some((bound) => bound.phone === phone);
}
