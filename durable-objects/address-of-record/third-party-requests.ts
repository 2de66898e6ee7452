import { readCallDetails } from "../../lib/presence/call-details.ts";
import { farEnd } from "../../lib/proxy/hang-up.ts";
import { routeSetOf } from "../../lib/proxy/route-token.ts";
import {
  type Hop,
  type Offsets,
  type OwnDialog,
  composeOwnAck,
  composeOwnInvite,
  composeWithin,
  inFirstDialog,
  inOtherDialog,
  isNumberTooHigh,
  refusedMedia,
  usualOffset,
} from "../../lib/proxy/third-party-call.ts";
import { validateAndRoute } from "../../lib/proxy/validate-and-route.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { endsHere } from "../../lib/server/ends-here.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { Request, Response } from "../../lib/syntax/message.ts";
import {
  type DialogEnd,
  type EndedBy,
  type Receipt,
  type RequestEnvelope,
  type SentRequest,
  accepted,
} from "../../lib/transport/envelope.ts";
import type { CallDetails } from "../../lib/transport/flow.ts";
import type { HomeName, PhoneId, TransactionId } from "../../lib/transport/identifiers.ts";
import { returnInside } from "../../lib/transport/return-address.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answerFault, answered, refused } from "../shared/reply.ts";
import { mandatoryHeadersOf, parsed, parsedResponse } from "../shared/reparse.ts";
import type { TargetQuestion } from "../shared/target-selection.ts";
import { numberAtTheBeginning, referredTo } from "../shared/trunk-destinations.ts";
import type { Account } from "./account.ts";
import { refuseNumberWithin } from "./numbers-within-calls.ts";
import { HangUp } from "./hang-up.ts";
import type { PassOn } from "./pass-on.ts";
import { RelayedRequests } from "./relayed-requests.ts";
import type { Room } from "./room.ts";

/** Its name in dialogs. */
export const agent: PhoneId = "thirdpty";

/** The two ends of a call: the user, who is called first, and the address that they are connected to. */
export type Side = "user" | "other";

/** A call that the server sets up. Times in milliseconds. */
export interface ThirdPartyCall {
  readonly id: string;
  /** The address that the user is connected to: a URI. */
  readonly target: string;
  readonly since: number;
  readonly user: OwnDialog & { readonly transaction: TransactionId };
  readonly other?: OwnDialog & { readonly transaction: TransactionId; readonly home?: HomeName; readonly isTaken?: true };
  /** The session description of the user, while the other one is called; then that of the other one, for the user's ACK. */
  readonly offer?: string;
  readonly answer?: string;
  /** When something has to be done. */
  readonly due: number;
  /** By how much the numbers of requests are higher towards each end; absent: `usualOffset`. */
  readonly offsets?: Readonly<Record<Side, number>>;
  /** The number of the REFER of the user's phone, after which the server took the dialogs over (RFC 3515). */
  readonly refer?: number;
  /** It was transferred by its user, who may still end what they had (RFC 3515). */
  readonly isTransferred?: true;
  /** The dialog of the phone that has transferred it, as long as that has not hung up. */
  readonly own?: CallDetails;
  /** Why it ends, and which ends have not had their BYE. */
  readonly ending?: { readonly why: string; readonly by: EndedBy; readonly sides: readonly Side[]; readonly until: number };
}

/** What became of the wish for a call. */
export type BegunCall =
  | { readonly kind: "begun"; readonly name: string; readonly callId: string }
  | { readonly kind: "refused"; readonly status: number; readonly why: string };

/** A request within a dialog. `id` names its response; `isFromCaller`: in the name of the end that has placed the call. */
interface Within {
  readonly text: string;
  readonly transaction: TransactionId;
  readonly id: string;
  readonly isFromCaller: boolean;
}

/** Milliseconds that such a call lasts at most. */
export const maxCallTime = 24 * 3_600_000;

/** What the server sends in the calls that it sets up, and how it passes on what their ends send. */
export class ThirdPartyRequests {
  readonly #room: Room;
  readonly #account: Account;
  readonly #passOn: PassOn;
  readonly #relayed: RelayedRequests;
  readonly #kind: "third party" | "transfer";

  /** @param kind whose responses they are */
  constructor(room: Room, account: Account, passOn: PassOn, kind: "third party" | "transfer" = "third party") {
    this.#room = room;
    this.#account = account;
    this.#passOn = passOn;
    this.#relayed = new RelayedRequests(room.timers.transaction);
    this.#kind = kind;
  }

  /** The ACK for the final response of an end. @param cseq of its INVITE @param transaction of its INVITE, if it is no 2xx (RFC 3261 §17.1.1.3) */
  acknowledge(details: CallDetails, answer?: string, cseq = 1, transaction: TransactionId = randomText() + randomText()): void {
    const to = farEnd(this.#room.keyring, details);
    if (to === undefined) return;
    const text = composeOwnAck(details, this.hop(transaction), answer, cseq);
    this.#room.log.passed(Date.now(), "-", text);
    this.#within(to, { text, transaction, id: "ack", isFromCaller: details.isCaller });
  }

  /** A BYE in the name of the end that the server stands for; none if there is no such dialog. */
  hangUp(details: CallDetails | undefined, why: string, now: number): void {
    if (details === undefined) return;
    new HangUp(this.#room, this.#passOn, "server")
      .end({ name: "", since: now, details }, why, now)
      .catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** The ACK was lost, or that of the user has to wait for the other one. */
  repeated({ answer }: ThirdPartyCall, side: Side, details: CallDetails): void {
    if (side === "other") this.acknowledge(details);
    else if (answer !== undefined) this.acknowledge(details, answer);
  }

  /** An answer that comes too late, or from a second phone. */
  refuseAnswer(details: CallDetails, side: Side, offer: string | undefined, now: number): void {
    this.acknowledge(details, side === "user" && offer !== undefined ? refusedMedia(offer) : undefined);
    this.hangUp(details, "another phone has answered", now);
  }

  /** A request in the name of an end that the server stands for. @param id names its response @returns why it was not sent */
  async ask(
    method: "INVITE" | "NOTIFY",
    details: CallDetails,
    id: string,
    written: Parameters<typeof composeWithin>[3],
    transaction: TransactionId = randomText() + randomText(),
  ): Promise<(Receipt & { readonly kind: "answered" }) | undefined> {
    const to = farEnd(this.#room.keyring, details);
    if (to === undefined) return { kind: "answered", status: 481, text: "" };
    const text = composeWithin(method, details, this.hop(transaction), written);
    this.#room.log.passed(Date.now(), "-", text);
    const receipt = await this.#passOn(to.home, this.#envelopeTo(to, { text, transaction, id, isFromCaller: details.isCaller }));
    return receipt.kind === "answered" ? receipt : undefined;
  }

  /** RFC 3261 §9.1: only what rings is cancelled; who answers meanwhile gets a BYE. */
  giveUp(call: Pick<ThirdPartyCall, Side>, side: Side): void {
    const { transaction } = call[side] ?? {};
    const home = side === "user" ? this.#room.home.name : call.other?.home;
    if (transaction === undefined || home === undefined) return;
    this.#passOn(home, { kind: "cancel", transaction, reason: undefined, by: "server" }).catch((error: unknown) =>
      this.#room.log.note(Date.now(), "-", String(error)),
    );
  }

  /** Passes a request of one end on to the other one. @param details of its dialog */
  relay(
    id: string,
    details: CallDetails,
    { offsets, side }: { readonly offsets: Offsets; readonly side: Side },
    { envelope, request }: { readonly envelope: RequestEnvelope; readonly request: Request },
    now: number,
  ): Receipt {
    const to = farEnd(this.#room.keyring, details);
    if (to === undefined) return answered(request, 481);
    if (isNumberTooHigh(request, offsets)) return refused(request, tooHigh);
    const transaction = this.#relayed.begin({ request, answerTo: envelope.answerTo, at: now, sender: `${id}.${side}` });
    if (isFault(transaction)) return refused(request, transaction);
    const send = () => {
      const text = inOtherDialog(request, details, this.hop(transaction), offsets);
      this.#room.log.passed(Date.now(), "-", text);
      this.#within(to, { text, transaction, id: `${id}.${transaction}`, isFromCaller: details.isCaller });
    };
    if (request.method === "REFER") void this.#refer(request, to, { transaction, side }, send);
    else send();
    return accepted;
  }

  /** As for a REFER of a phone within a call over a trunk. Who is not the user has no number called by it. */
  async #refer(
    refer: Request,
    receiver: DialogEnd,
    { transaction, side }: { readonly transaction: TransactionId; readonly side: Side },
    send: () => void,
  ): Promise<void> {
    const way = { kind: "dialog", sender: receiver, receiver, recordRoute: undefined, alterations: {}, called: undefined } as const;
    const foreign = side === "other" && isHopName(receiver.home) ? refuseNumberOf(refer) : undefined;
    const refusal = foreign ?? (await refuseNumberWithin(this.#room, refer, { ...way, hasOwnRouteToken: true, isFromCaller: true }));
    if (refusal === undefined) send();
    else this.answered(transaction, answerFault(refer, refusal), refusal.status, Date.now());
  }

  /** The response to a request that was passed on. */
  answered(transaction: string, text: string, status: number, now: number): void {
    const relayed = this.#relayed.answered(transaction, status);
    if (relayed === undefined) return;
    const { request, answerTo } = relayed;
    const response = inFirstDialog(parsedResponse(text), request, this.#place());
    this.#room.log.passed(now, "-", response);
    this.#passOn(answerTo.home, { kind: "response", text: response, status, to: answerTo, transaction: undefined }).catch(
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }

  /** Sends a request of the server within one of its dialogs. */
  #within(to: DialogEnd, within: Within): void {
    this.#passOn(to.home, this.#envelopeTo(to, within)).then(
      (receipt) => (receipt.kind === "answered" ? this.answered(within.transaction, receipt.text, receipt.status, Date.now()) : undefined),
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }

  #envelopeTo({ phone }: DialogEnd, { text, transaction, id, isFromCaller }: Within): RequestEnvelope {
    const { name, user, domain } = this.#room.home;
    const answerTo = returnInside(name, { kind: this.#kind, id });
    return {
      ...{ kind: "request", text, answerTo, transaction, identity: `${user}@${domain}` },
      ...{ to: { kind: "phone", phone }, recordRoute: undefined, within: { isFromCaller, isLimited: false } },
    };
  }

  /** An INVITE of the server. */
  sent(call: Pick<ThirdPartyCall, "id" | Side>, side: Side, text: string): SentRequest {
    const { name: home, user, domain } = this.#room.home;
    return {
      kind: "request",
      text,
      answerTo: returnInside(home, { kind: this.#kind, id: `${call.id}.${side}` }),
      transaction: call[side]?.transaction ?? "",
      identity: `${user}@${domain}`,
      recordRoute: undefined,
      caller: { home, phone: agent },
    };
  }

  /** The INVITE to the other address as a phone of the user would send it, and what decides where it goes. */
  questionOf(
    call: Pick<ThirdPartyCall, "target" | "other">,
    offer: string,
    lines: readonly string[] = [],
    callers = "",
  ): { readonly text: string; readonly question: TargetQuestion } | Fault {
    const { home, keyring } = this.#room;
    const { callId, tag, transaction } = call.other ?? { callId: "", tag: "", transaction: "" };
    // RFC 3323 §4.1.1.3: who was anonymous in a call stays so in the one that it is transferred to.
    const isAnonymous = /^sips?:[^@]*@anonymous\.invalid$/i.test(callers);
    const from = isAnonymous ? callers : `sip:${home.user}@${home.domain}`;
    const written = composeOwnInvite({
      requestUri: call.target,
      from,
      to: call.target,
      callId,
      tag,
      ...this.hop(transaction),
      offer,
      lines: isAnonymous ? [...lines, "Privacy: id"] : lines,
    });
    const request = parsed(written);
    const owner = { home: home.name, ...this.#account.owner() };
    const isOurs = (host: string) => host.replace(/:\d+$/, "") === home.domain;
    const way = validateAndRoute(request, mandatoryHeadersOf(request), { keyring, owner, isOurs, endsHere });
    if (isFault(way)) return way;
    if (way.kind !== "address") return fault(400, "this is not the address of a user or a number");
    const { requestUri } = request;
    const caller = `${home.user}@${home.domain}`;
    return { text: alter(request, way.alterations), question: { method: "INVITE", requestUri, address: way.address, caller, callId } };
  }

  /** The dialog that a 2xx makes. */
  detailsOf(response: Response): CallDetails | undefined {
    const known = readCallDetails(response, response, true, Number.POSITIVE_INFINITY);
    return known && { ...known, ...routeSetOf(this.#room.keyring, response, true, Number.POSITIVE_INFINITY) };
  }

  #place(): Pick<Hop, "host" | "user"> {
    const { user, domain } = this.#room.home;
    return { host: domain, user };
  }

  hop(branch: string): Hop {
    return { ...this.#place(), branch };
  }
}

const tooHigh: Fault = fault(400, "the number of CSeq is too high");

function refuseNumberOf(refer: Request): Fault | undefined {
  const to = referredTo(refer);
  if (isFault(to)) return to;
  return numberAtTheBeginning(to) === undefined ? undefined : fault(403, "only the user of this server may have the trunk call a number");
}

/** By how much the numbers of what an end sends change. */
export function offsetsOf({ offsets }: ThirdPartyCall, side: Side): Offsets {
  return { there: offsets?.[opposite(side)] ?? usualOffset, here: offsets?.[side] ?? usualOffset };
}

export function opposite(side: Side): Side {
  return side === "user" ? "other" : "user";
}

/** Whether the home of the other one may not have the INVITE yet. */
export function isUnsent({ user, other, ending }: ThirdPartyCall): boolean {
  return ending === undefined && user.details !== undefined && other?.details === undefined && other?.isTaken !== true;
}

/** For the administrator, and in the BYE. */
export function whyOf(status: number): string {
  return `the other side answered with ${status}`;
}

/** The phone that has transferred the call has hung up. */
export function withoutOwn({ own: _own, ...call }: ThirdPartyCall): ThirdPartyCall {
  return { ...call, due: call.since + maxCallTime };
}
