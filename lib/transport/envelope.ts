import type { HomeName, PhoneId, TransactionId } from "./identifiers.ts";
import type { ReturnAddress } from "./return-address.ts";
import type { Subscriber } from "../location/subscriber.ts";
import type { RoutedCall } from "./routed-call.ts";
import type { Verification } from "./verification.ts";
import { type Members, type Names, renamed } from "./older-shapes.ts";

/** A request, and what the home that received it knows of its sender. */
export interface SentRequest {
  readonly kind: "request";
  /** The message as it arrived, without our own Route and with Max-Forwards decremented; our Via is not on it yet. */
  readonly text: string;
  readonly answerTo: ReturnAddress;
  /** The name of the transaction at the home that received the request; equal for its CANCEL. */
  readonly transaction: TransactionId;
  /** Milliseconds: when it came from its sender, also if it is posted again. Absent within a dialog, and from older builds. */
  readonly at?: number;
  /** The address of record that the sending flow is authenticated for. */
  readonly identity: string;
  /** The Record-Route to add if a request within a dialog must repeat it (NOTIFY, RFC 6665 §4.3). */
  readonly recordRoute: string | undefined;
  /** The caller's end of a dialog that the request may create; in a forwarded request it is not the sender of this envelope. */
  readonly caller?: DialogEnd;
  /** The homes that forwarded it to another address, each with the Request-URI that it had there. */
  readonly forwardingTrail?: readonly string[];
  /** How many branches it may still be forked into at a time (RFC 5393 §5.3). */
  readonly breadth?: number;
  /** How many requests to other addresses it may still become in all, one after another too; absent from its sender. */
  readonly forwards?: number;
  /** The row of the user it is for, whose home was never opened, if the user has rules that forward calls. */
  readonly calleeSubscriber?: Subscriber;
  /** Whether the caller's number was verified; absent if that was not tried. */
  readonly verification?: Verification;
  /** The sender gets the user's addresses, and nothing is sent to the user's phones. */
  readonly redirects?: boolean;
}

/** A request on its way to another home (for other servers, all homes are one SIP element). */
export interface RequestEnvelope extends SentRequest {
  readonly to: Destination;
  /** Who has ended the call, in a BYE that is not from its other end. */
  readonly endedBy?: EndedBy;
  /** Of a user's request within a call. */
  readonly within?: WithinCall;
  /** An administrator wants the messages of this call. */
  readonly isTraced?: true;
  /** The receiver asks the router of its domain where the call goes. */
  readonly routed?: RoutedCall;
}

/** Milliseconds: when a request came to this server; never later than now, since the clocks of two objects may differ. */
export function cameAt({ at = Number.POSITIVE_INFINITY }: Pick<SentRequest, "at">, now: number): number {
  return Math.min(at, now);
}

/** What the home of its sender knows of a request within a call. */
export interface WithinCall {
  /** The sender has placed the call. */
  readonly isFromCaller: boolean;
  /** The sender's token limits its calls. */
  readonly isLimited: boolean;
  /** A BYE that the sender's home has compared with the Contact of the other end: no refusal of that end counts. Absent from older builds. */
  readonly isBinding?: boolean;
}

/** Who has ended a call, or given it up; `network`: a connection was lost and did not come back. */
export type EndedBy = "caller" | "callee" | "server" | "network";

/** One end of a dialog: a home, and the phone there. */
export interface DialogEnd {
  readonly home: HomeName;
  readonly phone: PhoneId;
  /** The host in our Record-Route for this end, if it differs from that of the other end. */
  readonly at?: string;
}

/** To the address of record (or one instance of it), or to one phone by a route token. */
export type Destination =
  | { readonly kind: "address"; readonly instance: string | undefined; readonly registration: string | undefined }
  | { readonly kind: "phone"; readonly phone: PhoneId };

/** A response on its way back, without our Via. */
export interface ResponseEnvelope {
  readonly kind: "response";
  readonly text: string;
  readonly status: number;
  readonly to: ReturnAddress;
  /** For the administrator: why a call failed, if neither a phone nor the caller ended it. */
  readonly why?: string;
  /** Whether the next server is tried; absent: after a 503. */
  readonly failsOver?: boolean;
  /** For an INVITE with state: the transaction that the caller's home noted. */
  readonly transaction: TransactionId | undefined;
  /** Of a response to a request within a call: the home whose phone has answered, or the connection to the server. Absent from older builds. */
  readonly from?: HomeName;
}

/** The caller cancelled (CANCEL, or its socket is lost): all branches of the transaction are to be cancelled. */
export interface CancelEnvelope {
  readonly kind: "cancel";
  readonly transaction: TransactionId;
  /** Value of the Reason header (RFC 3326), if there is one. */
  readonly reason: string | undefined;
  /** What to cancel, if it was forwarded to another server. */
  readonly of?: RequestEnvelope;
  /** Who gave the call up; absent for the caller. */
  readonly by?: EndedBy;
}

/** A call that was forwarded is over: its end is not seen by the home that has forwarded it, and keeps the record. */
export interface EndedEnvelope {
  readonly kind: "ended";
  /** The branch that the call was forwarded by. */
  readonly to: ReturnAddress;
  /** Milliseconds. */
  readonly at: number;
  readonly by: EndedBy;
}

/** The callee's home asks whether the caller still waits: the caller's home may have lost its notes with its sockets. */
export interface InquiryEnvelope {
  readonly kind: "inquiry";
  readonly transaction: TransactionId;
  /** The callee's home, where the call can be cancelled. */
  readonly home: HomeName;
  readonly caller: ReturnAddress;
  /** Whether the caller's phone ends its unanswered calls when it loses its socket. */
  readonly dropsOnDisconnect: boolean;
  /** The name of the call; absent from older builds. */
  readonly name?: string;
}

export type Envelope = RequestEnvelope | ResponseEnvelope | CancelEnvelope | InquiryEnvelope | EndedEnvelope;

/**
 * The result of one envelope: accepted, or answered at once (the text goes back unchanged to `answerTo`). `why` is for the administrator,
 * if the text must not reveal it. `isOfEnd`: it is the word of the end that the request was for, a user agent of this server or a phone that is
 * away; absent if the server has refused the request and the end has not heard it.
 */
export type Receipt =
  | { readonly kind: "taken" }
  | { readonly kind: "answered"; readonly status: number; readonly text: string; readonly why?: string; readonly isOfEnd?: true };

export function ofEnd(receipt: Receipt): Receipt {
  return receipt.kind === "taken" ? receipt : { ...receipt, isOfEnd: true };
}

/** Homes of two builds exchange envelopes during a deployment: on the wire it has the name of the first release. */
export const accepted: Receipt = { kind: "taken" };

const requestNames: Names = [
  ["introduces", "calleeSubscriber"],
  ["trail", "forwardingTrail"],
];
/** An envelope, of any build. */
export function readEnvelope(envelope: Envelope): Envelope {
  return upgradeEnvelope(envelope as unknown as Members) as unknown as Envelope;
}

/** An envelope of the first release or of this one, with the present names of its members. */
export function upgradeEnvelope(envelope: Members): Members {
  if (envelope["kind"] === "inquiry") return renamed(envelope, [["isForgetful", "dropsOnDisconnect"]]);
  return envelope["kind"] === "request" ? renamed(envelope, requestNames) : envelope;
}
