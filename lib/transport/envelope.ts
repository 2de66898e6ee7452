import type { Subscriber } from "../location/subscriber.ts";
import { type Members, type Names, renamed } from "./older-shapes.ts";

/** Where answers to a request go: a home, one of its sockets, and the phone there, should that socket be gone. */
export interface ReturnAddress {
  readonly home: string;
  readonly flow: string;
  readonly phone: string;
  /** Where a response context of that home has sent the request on: its transaction and the branch's index. */
  readonly branch?: string;
}

/** A request with what the home that received it knows of its sender. */
export interface SentRequest {
  readonly kind: "request";
  /** The message as it arrived, our own Route taken off and Max-Forwards decremented; our Via is not on it yet. */
  readonly text: string;
  readonly answerTo: ReturnAddress;
  /** The name of the transaction at the home that received the request; equal for its CANCEL. */
  readonly transaction: string;
  /** The address of record that the sending flow is authenticated for. */
  readonly identity: string;
  /** The Record-Route to add where a request within a dialog must repeat it (NOTIFY, RFC 6665 §4.3). */
  readonly recordRoute: string | undefined;
  /** The caller's end of a dialog that the request may make; where it was sent on, not who sent it here. */
  readonly caller?: DialogEnd;
  /** The homes that have sent it on to another address, each with the Request-URI it had there. */
  readonly forwardingTrail?: readonly string[];
  /** How many branches it may still be forked into (RFC 5393 §5.3). */
  readonly breadth?: number;
  /** The row of the user it is for, whose home has never been opened: he has rules that send calls on. */
  readonly calleeSubscriber?: Subscriber;
  /** The sender is to be told where the user is, and nothing goes to his phones. */
  readonly redirects?: boolean;
}

/** A request on its way to another home (to the outside, all homes are one SIP element). */
export interface RequestEnvelope extends SentRequest {
  readonly to: Destination;
}

/** One end of a dialog: a home, and the phone there. */
export interface DialogEnd {
  readonly home: string;
  readonly phone: string;
  /** What our Record-Route must say for this end to find its way back, where that is not the host of the other one. */
  readonly at?: string;
}

/** To all that an address of record reaches (or one instance of it), or to one phone by a route token. */
export type Destination =
  | { readonly kind: "address"; readonly instance: string | undefined; readonly registration: string | undefined }
  | { readonly kind: "phone"; readonly phone: string };

/** A response on its way back, our Via already taken off. */
export interface ResponseEnvelope {
  readonly kind: "response";
  readonly text: string;
  readonly status: number;
  readonly to: ReturnAddress;
  /** For the administrator: why a call failed, where that was not the doing of a phone or a caller. */
  readonly why?: string;
  /** For an INVITE that holds state: the transaction that the caller's home noted. */
  readonly transaction: string | undefined;
}

/** The caller gave up (CANCEL, or his socket is gone): all branches of the transaction are to be cancelled. */
export interface CancelEnvelope {
  readonly kind: "cancel";
  readonly transaction: string;
  /** Value of a Reason header (RFC 3326), if the caller gave one. */
  readonly reason: string | undefined;
  /** What is to be cancelled, where it was sent on to another server. */
  readonly of?: RequestEnvelope;
}

/** The callee's home asks whether somebody still waits for an answer: the caller's home may have lost its notes with its sockets. */
export interface InquiryEnvelope {
  readonly kind: "inquiry";
  readonly transaction: string;
  /** The callee's home, where the call can be cancelled. */
  readonly home: string;
  readonly caller: ReturnAddress;
  /** Whether the caller's phone ends its unanswered calls when it loses its socket. */
  readonly dropsOnDisconnect: boolean;
}

export type Envelope = RequestEnvelope | ResponseEnvelope | CancelEnvelope | InquiryEnvelope;

/**
 * What became of one envelope: taken, or answered on the spot (the text goes back as it is to `answerTo`). Why is for the administrator,
 * where the text may not say it.
 */
export type Receipt =
  | { readonly kind: "taken" }
  | { readonly kind: "answered"; readonly status: number; readonly text: string; readonly why?: string };

/** Homes of two builds speak with each other during a deployment: on the way it is called as in the first release. */
export const accepted: Receipt = { kind: "taken" };

const requestNames: Names = [
  ["introduces", "calleeSubscriber"],
  ["trail", "forwardingTrail"],
];
/** An envelope, whichever build has written it. */
export function readEnvelope(envelope: Envelope): Envelope {
  return upgradeEnvelope(envelope as unknown as Members) as unknown as Envelope;
}

/** An envelope of the first release, or of this one, with the names that its members have now. */
export function upgradeEnvelope(envelope: Members): Members {
  if (envelope["kind"] === "inquiry") return renamed(envelope, [["isForgetful", "dropsOnDisconnect"]]);
  return envelope["kind"] === "request" ? renamed(envelope, requestNames) : envelope;
}
