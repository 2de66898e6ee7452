import { parsedResponse } from "../shared/reparse.ts";
import { type ByeAnswer, refreshesTarget, statusAtEnd, targetIn } from "../../lib/proxy/bye.ts";
import type { Response } from "../../lib/syntax/message.ts";
import type { FlowId } from "../../lib/transport/identifiers.ts";
import { withoutOurRealm } from "../../lib/proxy/foreign-challenges.ts";
import { shownTo, standingOf } from "../../lib/proxy/standing.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { type Receipt, type ResponseEnvelope, accepted } from "../../lib/transport/envelope.ts";
import type { ReturnAddress } from "../../lib/transport/return-address.ts";
import { type Flow, leadsTo } from "../../lib/transport/flow.ts";
import { methodOfResponse } from "../../platform/trace-recorder.ts";
import { type ActiveCalls } from "./active-calls.ts";
import { dialogIdsOf, placedCall } from "./answered-call.ts";
import type { CallRecords } from "./call-records.ts";
import type { Forking } from "./forking.ts";
import type { Part, Registered } from "./part.ts";
import type { PendingInvites } from "./pending-invites.ts";
import type { Room } from "./room.ts";
import type { TimedCalls } from "./timed-calls.ts";
import type { TryingTimer } from "./trying-timer.ts";
import type { UndeliveredMessages } from "./undelivered-messages.ts";

export interface ResponseParts {
  readonly undelivered: UndeliveredMessages;
  readonly activeCalls: ActiveCalls;
  readonly records: CallRecords;
  readonly pendingInvites: PendingInvites;
  readonly forking: Pick<Forking, "has">;
  readonly tryingTimers: TryingTimer;
  readonly timedCalls: TimedCalls;
}

/** Who has made a response. */
interface Source {
  /** This server, and not a phone or another server. */
  readonly isOurs: boolean;
  /** The end that the request was for, or this server in its place. */
  readonly isOfEnd: boolean;
}

/** Responses to what this home's user has sent, on their way to the phone (RFC 3261 §16.7 steps 8 to 10). */
export class OriginatingResponses implements Part {
  readonly #room: Room;
  readonly #parts: ResponseParts;

  constructor(room: Room, parts: ResponseParts) {
    this.#room = room;
    this.#parts = parts;
  }

  /** A response for one of our phones: to the connection that its request came on, or the phone's newest. */
  response(received: ResponseEnvelope, now: number, { isOurs, isOfEnd }: Source = { isOurs: false, isOfEnd: true }): Receipt {
    const { to, status, transaction } = received;
    const flow = this.#flowBackTo(to);
    const text = this.#asShown(received, flow);
    const envelope = text === received.text ? received : { ...received, text };
    if (transaction !== undefined) this.#parts.tryingTimers.remove(transaction);
    const since = transaction === undefined ? undefined : this.#parts.pendingInvites.since(transaction);
    const isNew = this.#isNew(envelope, flow, now);
    if (!isNew && flow?.id === to.flow && status >= 300) return accepted;
    const method = status >= 200 ? methodOfResponse(text) : "";
    if (method === "BYE") this.#byeAnswered(text, statusAtEnd(status, isOfEnd), now, { isOfServer: !isOfEnd, from: received.from });
    if (transaction === undefined && refreshesTarget(method, status)) this.#retargeted(parsedResponse(text));
    if (isNew) this.#record(envelope, { flow: flow?.id ?? to.flow, since, isOurs }, now);
    if (!this.#send(flow, envelope, text, now) && status > 100) this.#keep(envelope, now);
    return accepted;
  }

  /** The answer to a request within a call may have another Contact of the other end. */
  #retargeted(answer: Response): void {
    const target = targetIn(answer);
    if (target === undefined) return;
    const dialog = dialogIdsOf(answer);
    this.#parts.activeCalls.retargeted(dialog, target);
    this.#parts.records.retargeted(dialog, dialog.toTag, target);
  }

  #byeAnswered(text: string, status: number, now: number, answer: ByeAnswer): void {
    const dialog = dialogIdsOf(parsedResponse(text));
    this.#parts.activeCalls.byeAnswered(dialog, status, answer);
    if (status < 300) this.#parts.timedCalls.saidToBeOver(dialog);
    this.#parts.records.byeAnswered(dialog, status, now, answer);
  }

  /** A response that may not have reached its phone is sent again. */
  again(flow: Flow, message: ResponseEnvelope, now: number): void {
    this.#send(flow, message, this.#asShown(message, flow), now);
  }

  /** A phone is back on another connection: it gets the responses that it missed. */
  onRegistered({ flow, phones }: Registered, now: number): void {
    for (const phone of phones) {
      for (const message of this.#parts.undelivered.for(phone, now)) if (message.kind === "response") this.again(flow, message, now);
    }
  }

  #send(flow: Flow | undefined, envelope: ResponseEnvelope, text: string, now: number): boolean {
    const { transaction, to, status } = envelope;
    const isAnswer = transaction !== undefined && status >= 200 && status < 300;
    if (transaction !== undefined && status > 100 && status < 200) this.#parts.timedCalls.rings(text, transaction, now);
    if (transaction !== undefined && status >= 300) this.#parts.timedCalls.refused(text, transaction);
    if (isAnswer && flow !== undefined && this.#parts.timedCalls.mayBegin(flow))
      this.#parts.timedCalls.began(flow, parsedResponse(text), now);
    if (flow === undefined || !this.#room.sockets.send(flow.id, text)) return false;
    this.#room.log.passed(now, flow.id, text);
    if (transaction !== undefined) this.#parts.undelivered.sent(flow, transaction, to.phone, envelope, now);
    return true;
  }

  /** Waits for the phone to come back; of the provisional responses to a request one is enough. */
  #keep(envelope: ResponseEnvelope, now: number): void {
    const { status, transaction, to } = envelope;
    const topic = status < 200 && transaction !== undefined ? `provisional ${transaction}` : "";
    this.#parts.undelivered.keep(to.phone, envelope, now, now + this.#room.configuration.bindingGrace * 1000, topic);
  }

  /** A line of the log, and a row if the call has failed; of a call to another server our own response context knows more. */
  #record(
    { text, status, transaction, why }: ResponseEnvelope,
    { flow, since, isOurs }: { readonly flow: FlowId; readonly since: number | undefined; readonly isOurs: boolean },
    now: number,
  ): void {
    this.#room.log.concluded(now, flow, status, text, since, why);
    // To redirect is what this server was asked to do.
    const hasFailed = status >= (isOurs ? 400 : 300);
    const isKnown = transaction !== undefined && this.#parts.forking.has(transaction);
    if (hasFailed && !isKnown) this.#room.failed.keep(now, { side: "caller", final: text, flow, since, why });
  }

  /** What of a response the phone, guest or peer is shown. */
  #asShown({ text, status }: ResponseEnvelope, flow: Flow | undefined): string {
    const { nonSubscriber } = flow ?? {};
    const challenged = status === 401 || status === 407 ? withoutOurChallenges(text, this.#room.home.domain) : text;
    if (nonSubscriber === undefined) return challenged;
    return shownTo(parsedResponse(challenged), standingOf(nonSubscriber));
  }

  /** Whether the phone has not had this response: a home that did not see our receipt sends its final one again. */
  #isNew({ transaction, text, status }: ResponseEnvelope, flow: Flow | undefined, now: number): boolean {
    if (transaction === undefined || status < 200) return true;
    const response = parsedResponse(text);
    if (this.#parts.pendingInvites.answered(transaction, response, now)) return true;
    if (flow !== undefined && status < 300) this.#parts.activeCalls.forked(flow, placedCall(this.#room.keyring, response), now);
    return false;
  }

  /**
   * RFC 3261 §18.2.2: a response takes the connection of its request, as long as that leads to the phone: after a registration on
   * another connection the phone does not read this one any more, though it may not have closed yet.
   */
  #flowBackTo({ flow, phone }: ReturnAddress): Flow | undefined {
    const own = this.#room.sockets.byId(flow);
    return own !== undefined && leadsTo(own, phone) ? own : this.#room.sockets.newestTo(phone);
  }
}

/** A challenge in our own realm is this server's: no other server, and no phone, may have the answer. */
function withoutOurChallenges(text: string, domain: string): string {
  const response = parsedResponse(text);
  return alter(response, withoutOurRealm(response, domain));
}
