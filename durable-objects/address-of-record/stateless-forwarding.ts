import { dialogName } from "../../lib/proxy/call-name.ts";
import { fault } from "../../lib/syntax/fault.ts";
import { type Bye, isPlainBye, refreshesTarget, targetIn } from "../../lib/proxy/bye.ts";
import type { CallRecords } from "./call-records.ts";
import { contactForGruu } from "../../lib/location/gruu.ts";
import { type ReturnAddress, isFromPhone } from "../../lib/transport/return-address.ts";
import type { HomeName, PhoneId } from "../../lib/transport/identifiers.ts";
import { type Forwarder, type StatelessRequest, statelessRequest } from "../../lib/proxy/outgoing-request.ts";
import { refuseWithin, senderWithin } from "../../lib/proxy/within.ts";
import { shownTo, standingOf } from "../../lib/proxy/standing.ts";
import type { ReachableTarget } from "../../lib/proxy/response-context/context.ts";
import { type Alterations, alter, combined } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { readSubscriptionState } from "../../lib/presence/subscription-state.ts";
import { type Request, type Response, headerValue } from "../../lib/syntax/message.ts";
import type { Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import { accepted, ofEnd } from "../../lib/transport/envelope.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answered, refused } from "../shared/reply.ts";
import type { Room } from "./room.ts";
import type { Account } from "./account.ts";
import type { CallGuard } from "./call-guard.ts";
import { forReceiver } from "./branch-responses.ts";
import { parsed, read } from "../shared/reparse.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { TimedCalls } from "./timed-calls.ts";
import type { PassOn } from "./pass-on.ts";
import type { UndeliveredMessage, UndeliveredMessages } from "./undelivered-messages.ts";
import type { LocalUserAgent } from "./local-user-agent.ts";
import type { Registrar } from "./registrar.ts";

/** Maximum seconds that a notification waits for its phone, however long its subscription is. */
const maxStateAge = 7200;

const phoneAway = "the phone that it is for is not connected";

/** What the stateless forwarding of requests needs of the other parts. */
export interface StatelessParts {
  readonly account: Account;
  readonly guard: CallGuard;
  readonly registrar: Registrar;
  readonly undelivered: UndeliveredMessages;
  readonly activeCalls: ActiveCalls;
  readonly timedCalls: TimedCalls;
  readonly records: CallRecords;
  readonly localUserAgents: readonly LocalUserAgent[];
}

/**
 * Requests for one phone, within a dialog or with one target: forwarded without state (RFC 3261 §16.11), and kept for a phone that is away
 * for a moment.
 */
export class StatelessForwarding {
  readonly #room: Room;
  readonly #account: Account;
  readonly #guard: CallGuard;
  readonly #registrar: Registrar;
  readonly #undelivered: UndeliveredMessages;
  readonly #activeCalls: ActiveCalls;
  readonly #timedCalls: TimedCalls;
  readonly #records: CallRecords;
  readonly #localUserAgents: readonly LocalUserAgent[];
  readonly #passOn: PassOn;
  readonly #by: Forwarder;

  constructor(
    room: Room,
    { account, guard, registrar, undelivered, activeCalls, timedCalls, records, localUserAgents }: StatelessParts,
    passOn: PassOn,
  ) {
    this.#room = room;
    this.#account = account;
    this.#guard = guard;
    this.#registrar = registrar;
    this.#undelivered = undelivered;
    this.#activeCalls = activeCalls;
    this.#timedCalls = timedCalls;
    this.#records = records;
    this.#localUserAgents = localUserAgents;
    this.#passOn = passOn;
    this.#by = { keyring: room.keyring, home: room.home.name, hint: room.home.hint, hints: room.home.hints };
  }

  /** One target of a non-INVITE: no state is kept. */
  toTarget(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, target: ReachableTarget, now: number): Receipt {
    const { phone, contact, host, path } = target;
    if (host !== undefined) {
      const sent = statelessRequest(this.#by, envelope, request, mandatory, { phone, contact, host, path });
      if (this.#send(phone, sent, envelope, now)) return accepted;
    }
    return this.#waitFor(phone, envelope, request, now);
  }

  /** Within a dialog: to the newest socket of the phone that the route token names (RFC 5626 §5.3). */
  toPhone(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    const phone = envelope.to.kind === "phone" ? envelope.to.phone : "";
    // What the server has sent itself in the name of an end goes on to the phone.
    const isTaken = (one: LocalUserAgent) => isFromPhone(envelope.answerTo) && one.takes?.(mandatory, envelope.answerTo) === true;
    const local = this.#localUserAgents.find((one) => one.phone === phone || isTaken(one));
    if (local !== undefined) return ofEnd(local.inDialog(envelope, request, mandatory, now));
    const refusal =
      this.#guard.refuseWithin(mandatory, envelope.answerTo, now) ??
      refuseWithin(this.#account.rules().blocked, senderWithin(envelope, this.#room.home.domain), request, mandatory);
    if (refusal !== undefined) return request.method === "ACK" ? accepted : refused(request, refusal);
    if (request.method === "BYE" && this.#isOfOtherPhone(phone, envelope, mandatory)) return refused(request, ofOtherPhone);
    const flow = this.#room.sockets.newestTo(phone);
    const target = refreshesTarget(request.method) ? targetIn(request) : undefined;
    if (target !== undefined) this.#retargeted(mandatory, mandatory.fromTag, target, envelope.answerTo, false);
    if (request.method === "BYE") {
      const bye = receivedBye(envelope, request, mandatory);
      this.#activeCalls.ended(bye);
      if (envelope.endedBy === undefined) this.#timedCalls.saidToBeOver(mandatory);
      const isRefusable = envelope.endedBy === undefined && flow !== undefined;
      if (isRefusable) this.#records.ending(bye, now);
      else this.#records.ended(bye, envelope.endedBy, now);
    }
    if (flow !== undefined) {
      const target = { phone, host: flow.host, contact: contactForGruu(request.requestUri, flow.boundContacts, phone), path: [] };
      const sent = statelessRequest(this.#by, envelope, request, mandatory, target);
      if (this.#send(phone, sent, envelope, now)) return accepted;
    }
    return this.#waitFor(phone, envelope, request, now);
  }

  /** Whether another phone of this user has the dialog: one that rang, too, knows nothing of it. */
  #isOfOtherPhone(phone: PhoneId, { answerTo }: RequestEnvelope, dialog: MandatoryHeaders): boolean {
    const known = answerTo.home === this.#room.home.name ? undefined : this.#activeCalls.phoneOf(dialogName(dialog));
    return known !== undefined && known !== phone;
  }

  /** A response of a phone to a request of which there is no state: to the home of the request's sender. */
  answered(response: Response, mandatory: MandatoryHeaders, answerTo: ReturnAddress, alterations: Alterations, now: number): void {
    const { status } = response;
    // The final response to a re-INVITE may be lost with the connection; JsSIP repeats none that it could not send.
    if (status >= 200) this.#undelivered.arrived(mandatory.via.branch ?? "");
    if (mandatory.cseq.method === "BYE" && status >= 200) this.#byeAnswered(mandatory, status, now);
    const target = refreshesTarget(mandatory.cseq.method, status) ? targetIn(response) : undefined;
    if (target !== undefined) this.#retargeted(mandatory, mandatory.toTag, target, answerTo, true);
    const text = alter(response, combined(alterations, forReceiver(answerTo.home, this.#room.home.domain, response)));
    const { name: from } = this.#room.home;
    this.#post(answerTo.home, { kind: "response", text, status, to: answerTo, transaction: undefined, from });
  }

  /** @param isOwn it is a phone of this home that has another Contact */
  #retargeted(dialog: MandatoryHeaders, tag: string | undefined, target: string, { home }: ReturnAddress, isOwn: boolean): void {
    if (!isOwn) this.#activeCalls.retargeted(dialog, target);
    this.#records.retargeted(dialog, tag, target, home);
  }

  #byeAnswered(mandatory: MandatoryHeaders, status: number, now: number): void {
    this.#activeCalls.byeAnswered(mandatory, status);
    this.#records.byeAnswered(mandatory, status, now);
  }

  /** Requests that wait for a phone. */
  waiting(phone: PhoneId, now: number): RequestEnvelope[] {
    return this.#undelivered.for(phone, now).filter((message) => message.kind === "request");
  }

  /** The senders of requests that have waited too long are answered. */
  expire(now: number): void {
    for (const message of this.#undelivered.expire(now)) if (message.kind === "request") this.#answer(message, 480);
  }

  /** Sends a request on its phone's newest socket, and remembers it until the phone has answered. */
  #send(phone: PhoneId, { text, branch }: StatelessRequest, envelope: RequestEnvelope, now: number): boolean {
    const { sockets, log } = this.#room;
    const flow = sockets.newestTo(phone);
    if (flow === undefined) return false;
    const shown = flow.nonSubscriber === undefined ? text : shownTo(parsed(text), standingOf(flow.nonSubscriber));
    if (!sockets.send(flow.id, shown)) return false;
    log.passed(now, flow.id, shown);
    this.#undelivered.sent(flow, branch, phone, envelope, now);
    return true;
  }

  /**
   * The phone is away: within the grace time its request waits for it, but not longer than the sender does (RFC 4320 §4.1); for a phone
   * that is not expected back, RFC 5626 §5.3 has 430, which goes upstream as 480.
   */
  #waitFor(phone: PhoneId, envelope: RequestEnvelope, request: Request, now: number): Receipt {
    if (request.method === "NOTIFY") return this.#keepState(phone, envelope, request, now);
    const isExpected = this.#registrar.current(now).some(({ binding, isAsleep }) => binding.phone === phone && !isAsleep);
    if (!isExpected && request.method === "BYE") this.#undelivered.keepBye(phone, envelope, now);
    if (!isExpected) return request.method === "ACK" ? accepted : ofEnd(answered(request, 480, phoneAway));
    const due = Math.min(this.#registrar.waitsFor(phone, now), now + this.#room.timers.transaction * 0.75);
    const isKept = this.#undelivered.keep(phone, envelope, now, due);
    return isKept || request.method === "ACK" ? accepted : ofEnd(answered(request, 480, phoneAway));
  }

  /** The newest state that a phone subscribes to waits for it as long as the subscription lasts (RFC 6665 §4.1.3). */
  #keepState(phone: PhoneId, envelope: RequestEnvelope, request: Request, now: number): Receipt {
    const { state, expires } = readSubscriptionState(headerValue(request, "subscription-state") ?? "");
    if (this.#account.isDeleted()) return answered(request, 480, phoneAway);
    const seconds = state === "terminated" ? this.#room.configuration.bindingGrace : Math.min(expires ?? 0, maxStateAge);
    const topic = [headerValue(request, "call-id"), headerValue(request, "event")].join(" ");
    const superseded = (message: UndeliveredMessage) => this.#superseded(message);
    return this.#undelivered.keep(phone, envelope, now, now + seconds * 1000, topic, false, superseded) ? accepted : answered(request, 480);
  }

  /**
   * A newer state includes the older one, so its sender need not wait. Our own agents do not wait, and only count what a phone has
   * confirmed.
   */
  #superseded(message: UndeliveredMessage): void {
    if (message.kind === "request" && isFromPhone(message.answerTo)) this.#answer(message, 200);
  }

  #answer(message: RequestEnvelope, status: number): void {
    const { request } = read(message);
    if (request.method === "ACK") return;
    const { answerTo: to } = message;
    const text = replyTo(request, status, { toTag: randomText() });
    this.#post(to.home, { kind: "response", text, status, to, transaction: undefined });
  }

  /** If it is lost the sender's own timer notices: no state is kept. */
  #post(home: HomeName, envelope: Parameters<PassOn>[1]): void {
    this.#passOn(home, envelope).catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }
}

const ofOtherPhone = fault(481, "another phone of the user has this call");

/** A BYE for a phone of this home. */
function receivedBye(envelope: RequestEnvelope, request: Request, dialog: MandatoryHeaders): Bye {
  const { within, endedBy, answerTo } = envelope;
  const isCompared = within?.isBinding === true;
  const isBinding = endedBy !== undefined || (within?.isBinding ?? isPlainBye(request));
  const again = endedBy === undefined ? { again: envelope } : {};
  return { dialog, other: answerTo.home, requestUri: request.requestUri, isOurs: false, isBinding, isCompared, ...again };
}
