import { CallEvents } from "./call-events.ts";
import type { CallRecords } from "./call-records.ts";
import { type UnansweredRequests, callerOf } from "./unanswered-requests.ts";
import { parsedResponse } from "../shared/reparse.ts";
import { branchName, takerOf } from "../../lib/transport/return-address.ts";
import type { PhoneId, TransactionId } from "../../lib/transport/identifiers.ts";
import { passDeadlines } from "../../lib/proxy/response-context/deadlines.ts";
import {
  cancelAnswered,
  type AwayTimes,
  cancelContext,
  openContext,
  flowRegistered,
  phoneIsGone,
  flowFailed,
  receiveResponse,
  withBranch,
} from "../../lib/proxy/response-context/fork.ts";
import { type Plan, determineExternalTarget } from "../../lib/proxy/response-context/determine-targets.ts";
import { readRequestDisposition } from "../../lib/proxy/request-disposition.ts";
import type { ExternalTarget } from "../../lib/proxy/response-context/target-set.ts";
import { type Decision, type Effect, type ForkedBranch, isPending } from "../../lib/proxy/response-context/context.ts";
import { answerSessionTimer } from "../../lib/proxy/session-timer.ts";
import { complete } from "../../lib/proxy/response-context/search.ts";
import { type Alterations, alter, combined } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import { limitReached } from "../../lib/syntax/fault.ts";
import type { Request, Response } from "../../lib/syntax/message.ts";
import type { CancelEnvelope, Receipt, ResponseEnvelope, SentRequest } from "../../lib/transport/envelope.ts";
import { accepted } from "../../lib/transport/envelope.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { randomText } from "../../platform/crypto/random.ts";
import type { FlowClosed, Part, Registered } from "./part.ts";
import type { Room } from "./room.ts";
import { FinalResponses, unconfirmedResponses } from "./final-responses.ts";
import { Branches } from "./branches.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { forReceiver, isOfRequest } from "./branch-responses.ts";
import { dialogName } from "../../lib/proxy/call-name.ts";
import { redirectContacts } from "../../lib/syntax/contact.ts";
import { mayRedirectTo } from "./token-policy.ts";
import { refused } from "../shared/reply.ts";
import type { Contexts, OpenContext } from "./contexts.ts";
import { CallerInquiries } from "./caller-inquiries.ts";
import type { PushNotifications } from "./push-notifications.ts";
import { Retargeting } from "./retargeting.ts";

import type { PassOn } from "./pass-on.ts";

const tooManyUnanswered = limitReached(480, "too many requests wait at this user");

interface Collaborators {
  readonly contexts: Contexts;
  readonly records: CallRecords;
  readonly unanswered: UnansweredRequests;
  readonly pushes: PushNotifications;
}

/** The response contexts of requests for this home's user: branches, responses, timers (RFC 3261 §16.6 to §16.10). */
export class Forking implements Part {
  readonly #room: Room;
  readonly #waitsFor: (phone: PhoneId, now: number) => AwayTimes;
  readonly #contexts: Contexts;
  readonly #finalResponses: FinalResponses;
  readonly #branches: Branches;
  readonly #retargeting: Retargeting;
  readonly #unanswered: UnansweredRequests;
  readonly #records: CallRecords;
  readonly #events: CallEvents;
  readonly #inquiries: CallerInquiries;
  readonly #pushes: PushNotifications;

  /** @param waitsFor until when a phone that is away is waited for */
  constructor(
    room: Room,
    { contexts, records, unanswered, pushes }: Collaborators,
    passOn: PassOn,
    waitsFor: (phone: PhoneId, now: number) => AwayTimes,
  ) {
    this.#records = records;
    this.#events = new CallEvents(room, contexts);
    this.#room = room;
    this.#waitsFor = waitsFor;
    this.#contexts = contexts;
    this.#inquiries = new CallerInquiries(room, passOn);
    this.#pushes = pushes;
    this.#unanswered = unanswered;
    this.#finalResponses = new FinalResponses(room, contexts, passOn);
    this.#branches = new Branches(room);
    this.#retargeting = new Retargeting(room, records, passOn, (envelope) => void this.sentOnAnswered(envelope, Date.now()));
  }

  /** Whether the transaction is known: its request was here before. */
  has(transaction: TransactionId): boolean {
    return this.#contexts.find(transaction) !== undefined;
  }

  /** Opens a context for a request of our own user to another server. */
  openExternal(envelope: SentRequest, request: Request, to: ExternalTarget, now: number): Receipt {
    if (this.has(envelope.transaction)) return accepted;
    const { groupTime, recursesOnRedirect: recurses } = this.#room.configuration;
    const settings = { groupTime: groupTime * 1000, recurses };
    const disposition = readRequestDisposition(request);
    return this.open(envelope, request, determineExternalTarget({ envelope, disposition, settings, now }, to), now, false);
  }

  /** Opens a context, unless too many requests wait already. @param isIncoming the request is for the user of this home */
  open(envelope: SentRequest, request: Request, plan: Plan & { kind: "search" }, now: number, isIncoming = true): Receipt {
    this.#contexts.collect(now);
    if (!this.#unanswered.hasRoomFor(envelope, request)) return refused(request, tooManyUnanswered);
    const { timers } = this.#room;
    const times = { now, until: now + timers.grace, timers, hint: this.#room.home.hint };
    const { context, effects } = openContext(envelope, request.method, plan.first, times, plan.search, plan.asks);
    const open = { context, request };
    this.#contexts.insert(open, now, this.#records.begin(request.method, envelope, isIncoming, now));
    this.#events.began(open, now);
    this.#act(open, effects, now);
    const waits = ({ retarget, sent, until: end }: ForkedBranch) => retarget === undefined && sent === 0 && end > now;
    if (context.method === "INVITE" && context.branches.length > 0 && context.branches.every(waits)) this.#tellThatItWaits(open, now);
    return accepted;
  }

  /** RFC 3261 §21.1.4: the caller learns that a phone is waited for. Without a Contact this creates no early dialog. */
  #tellThatItWaits(open: OpenContext, now: number): void {
    const text = replyTo(open.request, 182, { toTag: randomText(), reason: "Waiting for the phone to come back" });
    this.#finalResponses.give(open, { kind: "answer", status: 182, text, also: [] }, now);
  }

  /** What the router of the domain has decided is carried out. */
  routed(open: OpenContext, decision: Decision, now: number): void {
    this.#carryOut(open, decision, now);
  }

  /** A phone of our own user has acknowledged the refusal of its call. */
  acknowledged(transaction: TransactionId, now: number): void {
    if (this.#contexts.find(transaction)?.context.unconfirmed !== undefined) this.#finalResponses.confirmed(transaction, now);
  }

  /** The caller cancelled. */
  cancel(envelope: CancelEnvelope, now: number): Receipt {
    const found = this.#contexts.find(envelope.transaction);
    if (found === undefined) return { kind: "answered", status: 481, text: "" };
    const open = this.#withoutLost(found, now);
    this.#carryOut(open, cancelContext(open.context, envelope, now, this.#room.timers), now);
    return accepted;
  }

  /** A response of one of our phones; the alterations are for forwarding it. */
  response(
    flow: Flow,
    received: Response,
    alterations: Alterations,
    mandatory: MandatoryHeaders,
    name: { context: string; index: number },
    now: number,
  ): void {
    const { method } = mandatory.cseq;
    const open = this.#contexts.find(name.context);
    const branch = open?.context.branches[name.index];
    // The answer to our own CANCEL has the branch of its INVITE, and ends here (RFC 3261 §9.1, §17.1.3).
    if (open !== undefined && method === "CANCEL")
      this.#carryOut(open, cancelAnswered(open.context, name.index, received.status, now, this.#room.timers), now);
    if (open === undefined || branch === undefined || method !== open.context.method) return;
    if (!this.#isOf(open, branch, received, mandatory)) return;
    const response = this.#branches.completed(open, branch, received);
    const { status } = response;
    const isInvite = open.context.method === "INVITE";
    // A repeated one, perhaps after the BYE, begins no call.
    const isAnswer = isInvite && status >= 200 && status < 300 && branch.final !== status;
    if (status >= 300 && isInvite) this.#branches.acknowledge(flow, open, branch, response, now);
    if (status >= 200 && isInvite) this.#records.answered(flow, name.context, name.index, response);
    const wasProceeding = this.#contexts.proceedingSince(name.context, branch) !== undefined;
    this.#branches.note(
      flow,
      branchName(name.context, name.index),
      response,
      isAnswer ? { request: open.request, caller: callerOf(open.context) } : undefined,
      now,
    );
    // Timer C may fire before Timer B, for which the alarm is set.
    if (isInvite && status < 200) this.#contexts.schedule(open.context, now);
    const timer = isInvite ? answerSessionTimer(open.request, response) : undefined;
    const changes = combined(alterations, forReceiver(callerOf(open.context).home, this.#room.home.domain, response));
    const passed = alter(response, timer === undefined ? changes : combined(changes, timer));
    const contacts = redirectContacts(response).filter((uri) => mayRedirectTo(flow.tokenLimits, uri, this.#room));
    this.#respond(open, name.index, { status, text: passed, wasProceeding, contacts }, now);
  }

  /** RFC 3261 §19.3: each end has a tag of its own. With that of the end that has answered, another branch would pass for it. */
  #isOf({ context, request }: OpenContext, branch: ForkedBranch, response: Response, mandatory: MandatoryHeaders): boolean {
    if (!isOfRequest(request, response, mandatory)) return false;
    const isAnswer = response.status >= 200 && response.status < 300 && branch.final !== response.status;
    return !isAnswer || this.#contexts.notesOf(context.transaction)?.dialog !== dialogName(mandatory);
  }

  /** A response from the home that a branch was forwarded to. */
  sentOnAnswered({ to, status, text, why, failsOver = status === 503 }: ResponseEnvelope, now: number): Receipt {
    const taker = takerOf(to);
    if (taker.kind !== "context") return accepted;
    const { transaction, index } = taker;
    const open = this.#contexts.find(transaction);
    if (open === undefined) return accepted;
    const branch = open.context.branches[index];
    const passed = failsOver && branch !== undefined && isPending(branch) ? this.#retargeting.triesNext(open, branch, text) : undefined;
    if (passed !== undefined && branch !== undefined) {
      const context = withBranch(open.context, { ...branch, sent: now, proceeding: undefined, serversTried: passed });
      if (context.method === "INVITE") this.#contexts.save(context, open.request, now);
      return accepted;
    }
    if (status >= 200) this.#retargeting.forget(open, index);
    const contacts = status < 300 || status > 399 ? [] : redirectContacts(parsedResponse(text));
    this.#respond(open, index, { status, text, wasProceeding: true, contacts, why }, now);
    return accepted;
  }

  /** Phones have registered: ringing calls ring there too, or again. */
  onRegistered({ bindings }: Registered, now: number): void {
    this.#contexts.collect(now);
    for (const open of this.#contexts.unfinished()) {
      this.#resume(open, now);
      if (open.context.method !== "INVITE") continue;
      for (const { key, phone, contact, q, path } of bindings) {
        const host = this.#room.sockets.carrierOf(key)?.host;
        const caller = open.context.search?.caller ?? open.context.answerTo;
        const isCaller = caller.home === this.#room.home.name && caller.phone === phone;
        const current = this.#contexts.find(open.context.transaction) ?? open;
        if (!isCaller) this.#carryOut(current, flowRegistered(current.context, { phone, contact, q, path, key, host }, now), now);
      }
    }
  }

  /** A socket is lost: the phones that can no longer be reached are waited for. */
  onFlowClosed({ flow }: FlowClosed, now: number): void {
    if (flow.boundContacts.length === 0) return;
    for (const { phone } of flow.boundContacts) this.#branches.transfer(phone, flow);
    for (const { context, request } of this.#contexts.unfinished()) {
      for (const { phone } of flow.boundContacts) {
        if (this.#room.sockets.newestTo(phone) !== undefined) continue;
        const current = this.#contexts.find(context.transaction)?.context ?? context;
        this.#contexts.save(flowFailed(current, phone, this.#waitsFor(phone, now)), request, now);
      }
    }
  }

  /** Ends what is over, sends unconfirmed responses again, and sets the alarm for the rest. */
  onAlarm(now: number): void {
    for (const open of this.#contexts.unfinished()) {
      const { unconfirmed, collect, transaction } = open.context;
      // The caller has given up long ago.
      if (unconfirmed !== undefined && collect <= now) this.#finalResponses.leave(open, now);
      else this.#resume(open, now);
      if (unconfirmed !== undefined) continue;
      const since = (branch: ForkedBranch) => this.#contexts.proceedingSince(transaction, branch);
      const current = this.#retargeting.pastSilent(this.#withoutLost(open, now), now);
      this.#contexts.save(current.context, current.request, now);
      this.#carryOut(current, passDeadlines(current.context, now, this.#room.timers, since), now);
    }
    this.#contexts.collect(now);
    for (const { context } of this.#contexts.unfinished()) this.#contexts.schedule(context, now);
    this.#inquiries.forgetOld(now);
  }

  /** No push notification wakes a phone any more: calls do not wait for it. */
  phoneIsGone(phone: PhoneId, now: number): void {
    for (const open of this.#contexts.unfinished()) {
      const left = phoneIsGone(open.context, phone, now);
      if (left !== open.context)
        this.#carryOut(
          open,
          passDeadlines(left, now, this.#room.timers, () => undefined),
          now,
        );
    }
  }

  /** The user was deleted: callers get a response, and phones stop ringing. */
  onSubscriberDeleted(now: number): void {
    for (const open of this.#contexts.unfinished()) {
      const { context } = cancelContext(open.context, { reason: undefined, by: "server" }, now, this.#room.timers);
      const branches = context.branches.map((branch) => (branch.final === 0 ? { ...branch, final: 480 } : branch));
      const decision = complete({ ...context, cancelled: undefined, branches }, [], now, this.#room.timers);
      this.#carryOut(open, decision, now);
    }
  }

  /** Phones whose socket was lost in an eviction are waited for, as if it had closed. */
  #withoutLost(open: OpenContext, now: number): OpenContext {
    const isLost = ({ retarget, phone }: ForkedBranch) => retarget === undefined && this.#room.sockets.newestTo(phone) === undefined;
    const lost = open.context.branches.filter(isLost);
    const context = lost.reduce((current, { phone }) => flowFailed(current, phone, this.#waitsFor(phone, now)), open.context);
    this.#contexts.save(context, open.request, now);
    return { context, request: open.request };
  }

  /** What may have been lost in an eviction is done again; a receiver that has it drops the repetition. */
  #resume(open: OpenContext, now: number): void {
    const { context } = open;
    if (context.unconfirmed !== undefined) this.#finalResponses.deliver(open, now);
    this.#retargeting.resume(open, now);
    if (context.final !== 0 || context.cancelled !== undefined || context.method !== "INVITE") return;
    this.#inquiries.ask(open, (error) => this.#finalResponses.undelivered(error, () => undefined), now);
  }

  #respond(found: OpenContext, index: number, response: Parameters<typeof receiveResponse>[2], now: number): void {
    // A final response may end the ringing of phones that were lost in an eviction.
    const open = response.status < 200 ? found : this.#withoutLost(found, now);
    this.#carryOut(open, receiveResponse(open.context, index, response, now, this.#room.timers), now);
  }

  /** Saves the decision, then carries it out. */
  #carryOut(open: OpenContext, decision: Decision, now: number): void {
    const last = decision.effects.find((effect) => effect.kind === "answer" && effect.status >= 200);
    const isFirst = open.context.final === 0 && open.context.unconfirmed === undefined;
    const context = isFirst && last?.kind === "answer" ? unconfirmedResponses(decision.context, open.request, last) : decision.context;
    const isConcluded = open.context.final === 0 && context.final !== 0;
    if (isConcluded) this.#records.concludes(context.transaction, context.final < 300 ? context.unconfirmed?.text : undefined);
    this.#contexts.save(context, open.request, now);
    this.#pushes.follow(open.context, context, now);
    this.#events.answers({ context, request: open.request }, decision.effects, isConcluded, now);
    if (isConcluded) this.#records.concluded({ context, request: open.request }, now);
    this.#act({ context, request: open.request }, decision.effects, now);
  }

  #act(open: OpenContext, effects: readonly Effect[], now: number): void {
    for (const effect of effects) {
      const branch = effect.kind === "answer" ? undefined : open.context.branches[effect.branch];
      if (effect.kind === "answer") this.#finalResponses.give(open, effect, now);
      else if (branch === undefined) continue;
      else if (effect.kind === "forward") this.#forward(open, branch, now);
      else if (effect.kind === "wake") this.#pushes.wake(branch, open.context, open.request, now);
      else if (effect.kind === "abandon") this.#retargeting.abandon(open, branch);
      else this.#cancelBranch(open, branch, effect, now);
    }
  }

  #forward(open: OpenContext, branch: ForkedBranch, now: number): void {
    if (branch.retarget !== undefined) return this.#retargeting.ensure(open, branch, now);
    if (this.#branches.forward(open, branch, now)) return;
    const current = this.#contexts.find(open.context.transaction) ?? open;
    this.#contexts.save(flowFailed(current.context, branch.phone, this.#waitsFor(branch.phone, now)), open.request, now);
  }

  #cancelBranch(open: OpenContext, branch: ForkedBranch, { reason, isOverdue }: Effect & { kind: "cancel" }, now: number): void {
    if (branch.retarget !== undefined) return this.#retargeting.cancel(open, branch, reason, now);
    if (isOverdue !== true && this.#contexts.proceedingSince(open.context.transaction, branch) === undefined) return;
    this.#branches.cancel(open, branch, reason, now);
  }
}
