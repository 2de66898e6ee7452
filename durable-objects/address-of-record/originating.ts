import type { HomeName, TransactionId } from "../../lib/transport/identifiers.ts";
import type { Address } from "../../lib/location/address.ts";
import { refreshesTarget, targetIn } from "../../lib/proxy/bye.ts";
import { callName } from "../../lib/proxy/call-name.ts";
import { readBreadth } from "../../lib/proxy/max-breadth.ts";
import { type RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { dropsInvitesOnDisconnect } from "../../lib/proxy/client-quirks.ts";
import { applySessionTimer } from "../../lib/proxy/session-timer.ts";
import { alter, combined } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { lastNumber } from "../../lib/proxy/hang-up.ts";
import { type Fault, fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import { type Request, headerValue } from "../../lib/syntax/message.ts";
import { capabilities } from "../../lib/server/capabilities.ts";
import { inspectRequest } from "../../lib/uas/inspect-request.ts";
import { type CancelEnvelope, type Receipt, type RequestEnvelope, type SentRequest, ofEnd } from "../../lib/transport/envelope.ts";
import { type Flow, contactMark, phoneOnFlow } from "../../lib/transport/flow.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answerFault } from "../shared/reply.ts";
import type { OriginatingParts } from "./originating-parts.ts";
import type { PassOn } from "./pass-on.ts";
import type { Room } from "./room.ts";
import type { Account } from "./account.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { UndeliveredMessages } from "./undelivered-messages.ts";
import type { ListServer } from "./list-server.ts";
import type { PendingInvites } from "./pending-invites.ts";
import { mandatoryHeadersOf, parsed } from "../shared/reparse.ts";
import type { CallRecords } from "./call-records.ts";
import { type External, type RedirectTarget, selectTarget } from "../shared/target-selection.ts";
import { refuseNumberWithin } from "./numbers-within-calls.ts";
import { OriginatingRequests, sentBye } from "./originating-requests.ts";
import type { OriginatingResponses } from "./originating-responses.ts";
import type { TimedCalls } from "./timed-calls.ts";
import type { TakenOverDialogs } from "./taken-over-dialogs.ts";
import { TokenPolicy } from "./token-policy.ts";
import type { TryingTimer } from "./trying-timer.ts";
import { type CallsAtPresent, NonSubscriberPolicy } from "./non-subscriber-policy.ts";

/** A BYE of this server would have a lower number, and the call could not be ended (RFC 3261 §12.2.2). */
const tooHigh = fault(400, `the number of CSeq is not below ${lastNumber}`);

/** RFC 3261 §15.1.1: a BYE is a request within a dialog. */
const ofNoDialog = fault(481, "a BYE without a To tag ends nothing");

/** A request to forward, and the decision about it. */
interface Forwarded<Kind extends RoutingDecision["kind"]> {
  readonly way: RoutingDecision & { readonly kind: Kind };
  readonly text: string;
}

/** Requests of this home's user, guest or peer: the caller's side of the proxy (RFC 3261 §16.3, §16.4). */
export class Originating {
  readonly #room: Room;
  readonly #account: Account;
  readonly #pendingInvites: PendingInvites;
  readonly #undelivered: UndeliveredMessages;
  readonly #activeCalls: ActiveCalls;
  readonly #records: CallRecords;
  readonly #lists: ListServer;
  readonly #callsAtPresent: CallsAtPresent;
  readonly #forking: OriginatingParts["forking"];
  readonly #policy: NonSubscriberPolicy;
  readonly #tokenPolicy: TokenPolicy;
  readonly #requests: OriginatingRequests;
  readonly #passOn: PassOn;
  readonly #responses: OriginatingResponses;
  readonly #tryingTimers: TryingTimer;
  readonly #timedCalls: TimedCalls;
  readonly #takenOver: TakenOverDialogs;

  constructor(
    room: Room,
    {
      account,
      pendingInvites,
      presentDialogs,
      undelivered,
      activeCalls,
      records,
      lists,
      callsAtPresent,
      forking,
      responses,
      tryingTimers,
      timedCalls,
      takenOver,
    }: OriginatingParts,
    passOn: PassOn,
  ) {
    this.#room = room;
    this.#account = account;
    this.#pendingInvites = pendingInvites;
    this.#undelivered = undelivered;
    this.#activeCalls = activeCalls;
    this.#records = records;
    this.#lists = lists;
    this.#callsAtPresent = callsAtPresent;
    this.#forking = forking;
    this.#policy = new NonSubscriberPolicy(room, callsAtPresent);
    this.#tokenPolicy = new TokenPolicy(room, timedCalls, presentDialogs, () => account.owner().aliases);
    this.#requests = new OriginatingRequests(room, account, pendingInvites, this.#policy);
    this.#responses = responses;
    this.#tryingTimers = tryingTimers;
    this.#timedCalls = timedCalls;
    this.#takenOver = takenOver;
    this.#passOn = passOn;
  }

  /** Any request but REGISTER and CANCEL, from an authenticated flow. */
  async request(flow: Flow, request: Request, mandatory: MandatoryHeaders, now: number): Promise<void> {
    if (mandatory.cseq.number >= lastNumber && request.method !== "ACK") return this.#refuse(flow, request, tooHigh, now);
    if (request.method === "BYE" && mandatory.toTag === undefined) return this.#refuse(flow, request, ofNoDialog, now);
    const way = this.#requests.route(flow, request, mandatory);
    if (isFault(way)) return this.#refuse(flow, request, way, now);
    const refusal =
      (await this.#policy.refuse(flow, request, mandatory, way, now)) ??
      (await this.#tokenPolicy.refuse(flow, request, mandatory, way, () => this.#requests.isPending(mandatory)));
    if (refusal !== undefined) return this.#refuse(flow, request, refusal, now);
    if (way.kind === "server") return this.#serve(flow, request, now);
    const forbidden = way.kind === "dialog" ? await refuseNumberWithin(this.#room, request, way) : undefined;
    if (forbidden !== undefined) return this.#refuse(flow, request, forbidden, now);
    const timer = applySessionTimer(request, this.#room.configuration.sessionTimer);
    if (isFault(timer)) return this.#refuse(flow, request, timer, now);
    const changes = timer === undefined ? way.alterations : combined(way.alterations, timer);
    const told = this.#policy.toldOf(flow, request.method, way);
    const text = alter(request, told === undefined ? changes : combined(changes, told));
    if (way.kind === "dialog") return this.#withinDialog(flow, request, mandatory, { way, text }, now);
    // The ACK for a 2xx has our route; any other is for a refusal and ends here (RFC 3261 §17.1.1.3).
    if (request.method === "ACK") return this.#acknowledged(this.#requests.transactionsOf(mandatory), now);
    return this.#outsideDialog(flow, request, mandatory, { way, text }, now);
  }

  /** Goes to the other end of its dialog, which our route token names (RFC 3261 §16.11). */
  #withinDialog(flow: Flow, request: Request, mandatory: MandatoryHeaders, { way, text }: Forwarded<"dialog">, now: number): void {
    if (this.#requests.acknowledgesRefusal(request, mandatory)) return;
    const isBinding = request.method === "BYE" && this.#ended(request, mandatory, way, now);
    const target = refreshesTarget(request.method) ? targetIn(request) : undefined;
    if (target !== undefined) this.#records.retargeted(mandatory, mandatory.fromTag, target, way.receiver.home);
    if (request.method === "ACK") this.#timedCalls.acknowledged(flow, request, mandatory, way, now);
    const { receiver, recordRoute } = way;
    const sent = this.#requests.sent(flow, mandatory, { text, recordRoute });
    const within = { isFromCaller: way.isFromCaller, isLimited: flow.tokenLimits !== undefined, isBinding };
    const envelope: RequestEnvelope = { ...sent, to: { kind: "phone", phone: receiver.phone }, within };
    const taken = this.#takenOver.receive(flow, envelope, mandatory, now);
    if (taken !== undefined) return this.#received(flow, request, sent, ofEnd(taken), false);
    const referred = request.method === "REFER" ? this.#takenOver.refer(flow, request, mandatory, way, now) : undefined;
    if (referred === undefined) return this.#send(flow, request, receiver.home, envelope, now);
    void referred.then((receipt) =>
      receipt === undefined ? this.#send(flow, request, receiver.home, envelope, now) : this.#received(flow, request, sent, receipt, false),
    );
  }

  #ended(request: Request, dialog: MandatoryHeaders, way: RoutingDecision & { kind: "dialog" }, now: number): boolean {
    const bye = sentBye(request, dialog, way);
    const isBinding = this.#activeCalls.ended(bye);
    this.#records.ending({ ...bye, isBinding }, now);
    return isBinding;
  }

  /** Goes to the target that is determined for it (RFC 3261 §16.5). */
  async #outsideDialog(
    flow: Flow,
    request: Request,
    mandatory: MandatoryHeaders,
    { way, text }: Forwarded<"address">,
    now: number,
  ): Promise<void> {
    const breadth = readBreadth(request);
    if (isFault(breadth)) return this.#refuse(flow, request, breadth, now);
    const sent = this.#requests.sent(flow, mandatory, {
      text,
      at: now,
      recordRoute: undefined,
      ...(breadth === undefined ? {} : { breadth }),
    });
    if (flow.nonSubscriber === undefined && this.#lists.serves(request, way.address))
      return this.#subscribe(flow, request, mandatory, sent, way.address, now);
    const target = await selectTarget(this.#room, this.#requests.question(flow, request.method, request, way));
    if (isFault(target)) return this.#refuse(flow, request, target, now);
    if (target.kind === "redirect") return this.#redirect(flow, request, target, now);
    if (target.kind === "external") return this.#sendExternal(flow, request, sent, target, now);
    const { kind: _kind, home, ...more } = target;
    this.#send(flow, request, home, { ...sent, ...more }, now);
  }

  #acknowledged(transactions: readonly string[], now: number): void {
    for (const transaction of transactions) {
      this.#undelivered.arrived(transaction);
      this.#forking.acknowledged(transaction, now);
    }
  }

  /** To a list of our domain: served here, at the home of its watcher. */
  async #subscribe(
    flow: Flow,
    request: Request,
    mandatory: MandatoryHeaders,
    sent: SentRequest,
    address: Address,
    now: number,
  ): Promise<void> {
    const envelope: RequestEnvelope = { ...sent, to: { kind: "address", instance: undefined, registration: undefined } };
    this.#received(flow, request, sent, await this.#lists.request(envelope, request, mandatory, address, now));
  }

  /** To another server: with a response context in this home. */
  #sendExternal(flow: Flow, request: Request, sent: SentRequest, target: External, now: number): void {
    if (!this.#mayCall(flow, request, sent, this.#room.home.name, now)) return;
    this.#received(flow, request, sent, this.#forking.openExternal(sent, parsed(sent.text), target, now));
  }

  /** RFC 3261 §16.10: answered here, and forwarded where its INVITE went. */
  async cancel(flow: Flow, request: Request, mandatory: MandatoryHeaders, now: number): Promise<void> {
    const transaction = this.#requests.transactionOf(mandatory);
    const home = this.#pendingInvites.homeOf(transaction);
    // Within a dialog the INVITE was forwarded without state, and so is its CANCEL (§16.11).
    if (home === undefined && mandatory.toTag !== undefined) return this.request(flow, request, mandatory, now);
    const reason = headerValue(request, "reason");
    // A guest must not wake the homes of users whom guests may not call.
    if (home === undefined && flow.nonSubscriber?.kind === "guest")
      return this.#refuse(flow, request, fault(481, "there is nothing to cancel"), now);
    if (home === undefined) return this.#cancelByName(flow, request, mandatory, { kind: "cancel", transaction, reason }, now);
    const done = () => this.#reply(flow, request, replyTo(request, 200, { toTag: randomText() }), 200, Date.now());
    this.#pendingInvites.cancel(home, { transaction, reason }, now + this.#room.timers.timerC, done, done);
  }

  /** If the notes are lost, the CANCEL goes where its Request-URI leads (RFC 3261 §9.1: the INVITE's), and that home knows the call. */
  async #cancelByName(flow: Flow, request: Request, mandatory: MandatoryHeaders, envelope: CancelEnvelope, now: number): Promise<void> {
    const isHere = this.#forking.has(envelope.transaction);
    const home = isHere ? this.#room.home.name : await this.#requests.homeOfInvite(flow, request, mandatory);
    if (home === undefined) return this.#reply(flow, request, replyTo(request, 481, { toTag: randomText() }), 481, now);
    const answer = (status: number) => this.#reply(flow, request, replyTo(request, status, { toTag: randomText() }), status, Date.now());
    this.#passOn(home, envelope).then(
      ({ kind }) => answer(kind === "taken" ? 200 : 481),
      (error: unknown) => this.#failed(flow, request, envelope.transaction, error),
    );
  }

  #send(flow: Flow, request: Request, home: HomeName, envelope: RequestEnvelope, now: number): void {
    const isCall = request.method === "INVITE" && envelope.to.kind === "address";
    if (isCall && !this.#mayCall(flow, request, envelope, home, now)) return;
    this.#passOn(home, envelope).then(
      (receipt) => this.#received(flow, request, envelope, receipt, isCall),
      (error: unknown) => {
        this.#failed(flow, request, envelope.transaction, error);
        // The request may have arrived, and only the receipt have been lost.
        const given = { transaction: envelope.transaction, reason: undefined, by: "server" } as const;
        if (isCall) this.#pendingInvites.cancel(home, given, now + this.#room.timers.timerC, () => {});
      },
    );
  }

  /** Notes a new call; false if it is refused because there are too many. Other requests need no note. */
  #mayCall(flow: Flow, request: Request, { transaction }: SentRequest, home: HomeName, now: number): boolean {
    // A repeated one is the same call.
    const pendingAt = this.#pendingInvites.homeOf(transaction);
    if (request.method !== "INVITE" || pendingAt === home) return true;
    // RFC 3261 §8.1.1.7: the branch is unique, and by it a transaction is known. What went elsewhere is not this one.
    if (this.#pendingInvites.isOfOther(transaction, home)) {
      this.#refuse(flow, request, fault(400, "another call has this branch"), now);
      return false;
    }
    const { maximumCalls = Number.POSITIVE_INFINITY } = this.#account.rules();
    const isUserFull = this.#callsAtPresent(now) >= maximumCalls;
    if (isUserFull || this.#pendingInvites.isFull(flow)) {
      this.#refuse(flow, request, limitReached(403, isUserFull ? "this user has too many calls" : "too many calls are being set up"), now);
      return false;
    }
    const dropsOnDisconnect = dropsInvitesOnDisconnect(request);
    const callId = headerValue(request, "call-id") ?? "";
    const contact = contactMark(flow, phoneOnFlow(flow));
    const more = { ...(dropsOnDisconnect ? { dropsOnDisconnect } : {}), ...(contact === undefined ? {} : { contact }) };
    this.#pendingInvites.note(flow, { transaction, home, at: now, name: callName(callId), ...more });
    this.#timedCalls.placed(flow, { callId, transaction }, now);
    this.#tryingTimers.add(transaction, now, () => this.#trying(flow, request, transaction));
    return true;
  }

  /**
   * RFC 3261 §16.2: the caller gets 100 once the callee's home has saved the INVITE, so that an answer cannot be lost; or when that takes too
   * long (`TryingTimer`), and once only.
   */
  #trying(flow: Flow, request: Request, transaction: TransactionId): void {
    if (this.#tryingTimers.remove(transaction)) this.#reply(flow, request, replyTo(request, 100), 100, Date.now());
  }

  /** @param isCall it is an INVITE with state: one within a dialog is forwarded without (RFC 3261 §16.11) */
  #received(flow: Flow, request: Request, sent: SentRequest, receipt: Receipt, isCall = request.method === "INVITE"): void {
    const { transaction, answerTo: to } = sent;
    if (receipt.kind === "taken") return this.#trying(flow, request, transaction);
    const { status, text, why, isOfEnd = false } = receipt;
    if (status >= 300) this.#requests.refused(request);
    if (isCall && flow.nonSubscriber === undefined) this.#records.refused(request, sent, text, why, Date.now());
    const known = { transaction: isCall ? transaction : undefined, ...(why === undefined ? {} : { why }) };
    const response = { kind: "response", text, status, to, ...known } as const;
    this.#responses.response(response, Date.now(), { isOurs: true, isOfEnd });
  }

  /**
   * The callee's home cannot be reached after all attempts: this home has to answer, and other users may be reachable (RFC 3261 §16.7 step
   * 6).
   */
  #failed(flow: Flow, request: Request, transaction: TransactionId, error: unknown): void {
    this.#room.log.note(Date.now(), flow.id, String(error));
    this.#tryingTimers.remove(transaction);
    this.#pendingInvites.forget(flow, transaction);
    this.#refuse(flow, request, fault(500, "the other side cannot be reached now", [["Retry-After", "5"]]), Date.now());
  }

  /** RFC 3261 §11.2: the capabilities of this server. */
  #serve(flow: Flow, request: Request, now: number): void {
    if (request.method === "ACK") return;
    if (request.method !== "OPTIONS")
      return this.#refuse(flow, request, fault(405, "this server has no phone", [["Allow", "OPTIONS, REGISTER"]]), now);
    const refusal = inspectRequest(request, { options: [], types: [] });
    if (refusal !== undefined) return this.#refuse(flow, request, refusal, now);
    this.#reply(flow, request, replyTo(request, 200, { toTag: randomText(), headers: capabilities("home") }), 200, now);
  }

  /** RFC 3261 §8.3. */
  #redirect(flow: Flow, request: Request, { status, uri }: RedirectTarget, now: number): void {
    const text = replyTo(request, status, { toTag: randomText(), headers: [["Contact", `<${uri}>`]] });
    this.#reply(flow, request, text, status, now);
  }

  #refuse(flow: Flow, request: Request, refusal: Fault, now: number): void {
    if (request.method === "ACK") return;
    const text = answerFault(request, refusal);
    this.#reply(flow, request, text, refusal.status, now, refusal.fault);
    this.#requests.refused(request);
    if (request.method === "INVITE") this.#recordRefused(flow, request, text, refusal.fault, now);
  }

  /** Guests have no records of their own: they have not authenticated. */
  #recordRefused(flow: Flow, request: Request, text: string, why: string, now: number): void {
    const mandatory = mandatoryHeadersOf(request);
    if (flow.nonSubscriber !== undefined || mandatory.toTag !== undefined) return;
    this.#records.refused(request, this.#requests.sent(flow, mandatory, { text: "", recordRoute: undefined }), text, why, now);
  }

  #reply(flow: Flow, request: Request, text: string, status: number, now: number, why?: string): void {
    this.#room.sockets.send(flow.id, text);
    this.#room.log.answered(now, flow.id, text, status, request, why);
  }
}
