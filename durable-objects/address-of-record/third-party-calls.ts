import { callName } from "../../lib/proxy/call-name.ts";
import { refuseWithin, senderWithin } from "../../lib/proxy/within.ts";
import { composeOwnInvite, refusedMedia } from "../../lib/proxy/third-party-call.ts";
import { sessionDescriptionOf } from "../../lib/syntax/body.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import {
  type EndedBy,
  type Receipt,
  type RequestEnvelope,
  type ResponseEnvelope,
  type SentRequest,
  accepted,
} from "../../lib/transport/envelope.ts";
import type { CallDetails } from "../../lib/transport/flow.ts";
import { type ReturnAddress, takerOf } from "../../lib/transport/return-address.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answered, refused } from "../shared/reply.ts";
import { parsed, parsedResponse } from "../shared/reparse.ts";
import { type Target, decideTarget, selectTarget } from "../shared/target-selection.ts";
import type { Account } from "./account.ts";
import type { Forking } from "./forking.ts";
import { HangUp } from "./hang-up.ts";
import type { LocalUserAgent } from "./local-user-agent.ts";
import type { Part } from "./part.ts";
import type { PassOn } from "./pass-on.ts";
import type { Room } from "./room.ts";
import { ThirdPartyCallRows } from "./third-party-call-rows.ts";
import { type BegunCall, type Side, type ThirdPartyCall, ThirdPartyRequests, agent } from "./third-party-requests.ts";
import { isUnsent, maxCallTime, offsetsOf, opposite, whyOf, withoutOwn } from "./third-party-requests.ts";

/** Milliseconds. A phone that has answered waits 32 s for the ACK (RFC 3261 §13.3.1.4), which it gets when the other end answers. */
const patienceOfUser = 25_000;
const repeatAfter = 2000;
const maxEnding = 60_000;
/** Until a phone that has transferred its call gets a BYE: most hang up themselves (RFC 5589 §6.1). */
const patienceWithPhone = 5000;
/** Of one user at a time. */
const maxCalls = 20;

interface ThirdPartyParts {
  readonly forking: Pick<Forking, "openExternal">;
  readonly restoredIsOver: (call: ThirdPartyCall, sender: Side, by: EndedBy | undefined, now: number) => void;
}

/**
 * Calls that an application asks for (third-party call control, RFC 3725 §4.1, flow I): the phones of this home's user ring first. When one
 * is answered, the other address is called with its session description, and the two are connected. The server is the caller in both
 * dialogs, and passes on what each end sends within its own.
 */
export class ThirdPartyCalls implements Part, LocalUserAgent {
  readonly phone = agent;
  readonly senders = ["third party"] as const;
  readonly #room: Room;
  readonly #requests: ThirdPartyRequests;
  readonly #account: Account;
  readonly #forking: Pick<Forking, "openExternal">;
  readonly #passOn: PassOn;
  readonly rows: ThirdPartyCallRows;
  readonly #restoredIsOver: ThirdPartyParts["restoredIsOver"];

  /** @param restoredIsOver learns of the end of a call whose transfer had failed, and who has hung up */
  constructor(room: Room, account: Account, { forking, restoredIsOver }: ThirdPartyParts, passOn: PassOn) {
    this.#room = room;
    this.#restoredIsOver = restoredIsOver;
    this.#account = account;
    this.rows = new ThirdPartyCallRows(room);
    this.#requests = new ThirdPartyRequests(room, account, passOn);
    this.#forking = forking;
    this.#passOn = passOn;
  }

  /** Calls the user; the address is looked up first. @param target a URI */
  async begin(target: string, now: number): Promise<BegunCall> {
    const { user, domain } = this.#room.home;
    if (this.rows.all().size - this.rows.adopted().length >= maxCalls) return tooMany;
    const dialog = () => ({ callId: randomText() + randomText(), tag: randomText(), transaction: randomText() + randomText() });
    const id = randomText();
    const call: ThirdPartyCall = {
      id,
      target,
      since: now,
      user: dialog(),
      other: dialog(),
      due: now + this.#room.timers.timerC + repeatAfter,
    };
    const refusal = await this.#refusalOf(call);
    if (refusal !== undefined) return { kind: "refused", status: refusal.status, why: refusal.fault };
    if (this.rows.all().size - this.rows.adopted().length >= maxCalls) return tooMany;
    this.rows.keep(call);
    const own = `sip:${user}@${domain}`;
    const { callId, tag, transaction } = call.user;
    const text = composeOwnInvite({ requestUri: own, from: target, to: own, callId, tag, ...this.#requests.hop(transaction) });
    this.#room.log.passed(now, "-", text);
    const everyPhone = { kind: "address", instance: undefined, registration: undefined } as const;
    const receipt = await this.#passOn(this.#room.home.name, { ...this.#requests.sent(call, "user", text), to: everyPhone });
    if (receipt.kind === "taken") return { kind: "begun", name: callName(callId), callId };
    this.rows.forget(call);
    return { kind: "refused", status: receipt.status, why: receipt.why ?? "the phones of the user do not take the call" };
  }

  /** An administrator ends a call, whatever has become of it. */
  cancel(name: string, now: number): void {
    for (const call of [...this.rows.all().values()]) {
      if (callName(call.user.callId) !== name || call.ending !== undefined) continue;
      if (call.user.details === undefined) this.#requests.giveUp(call, "user");
      else if (call.other?.details === undefined) this.#requests.giveUp(call, "other");
      const sides = (["user", "other"] as const).filter((side) => call[side]?.details !== undefined);
      if (call.offer !== undefined && call.user.details !== undefined)
        this.#requests.acknowledge(call.user.details, refusedMedia(call.offer));
      this.#over(call, "other", "server", now);
      // An answer that crosses the CANCEL gets an ACK and a BYE.
      this.#end(call, { why: "an administrator has ended the call", by: "server", sides }, now);
    }
  }

  /** A request of one end, within its dialog with the server. */
  inDialog(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    const found = this.rows.find(mandatory, envelope.answerTo);
    if (found === undefined) return this.#withoutDialog(envelope, request, mandatory);
    const { call, side } = found;
    if (request.method === "BYE") {
      this.#ended(call, side, envelope.endedBy, now);
      return answered(request, 200);
    }
    const to = call[opposite(side)]?.details;
    // The ACK for the answer of an end: the server has sent the other one.
    if (request.method === "ACK" && mandatory.cseq.number === 1 && side === "user" && to === undefined) return accepted;
    if (request.method === "CANCEL") return answered(request, 481, "there is nothing to cancel");
    if (to === undefined || call.ending !== undefined) return request.method === "ACK" ? accepted : refused(request, notConnected);
    if (request.method === "REFER" && call.offsets !== undefined) return refused(request, transferredBefore);
    const sender = senderWithin(envelope, this.#room.home.domain);
    const blocked = side === "other" ? refuseWithin(this.#account.rules().blocked, sender, request, mandatory) : undefined;
    if (blocked !== undefined) return refused(request, blocked);
    const receipt = this.#requests.relay(call.id, to, { offsets: offsetsOf(call, side), side }, { envelope, request }, now);
    if (receipt.kind === "taken") this.rows.retargeted(call, side, request);
    return receipt;
  }

  /** A user who has transferred the call hangs up their part of it. */
  #withoutDialog({ answerTo }: RequestEnvelope, request: Request, mandatory: MandatoryHeaders): Receipt {
    const left = request.method === "BYE" ? this.rows.wasOf(mandatory, answerTo) : undefined;
    if (left !== undefined && left.ending === undefined) this.rows.keep(withoutOwn(left));
    if (request.method === "ACK") return accepted;
    return left === undefined ? answered(request, 481, "there is no such call") : answered(request, 200);
  }

  /** A call of which both dialogs are there: what each end sends is passed on from now on. */
  adopt(call: Omit<ThirdPartyCall, "due">, now: number): void {
    this.rows.keep({ ...call, due: now + (call.own === undefined ? maxCallTime : patienceWithPhone) });
  }

  /** Whether a request to, or of, a phone of the user is one of a call here. */
  takes(mandatory: MandatoryHeaders, sender: ReturnAddress): boolean {
    return this.rows.takes(mandatory, sender);
  }

  /** A transfer has failed, and both dialogs end. @param sides who gets a BYE */
  abandon(call: Omit<ThirdPartyCall, "due">, sides: readonly Side[], why: string, now: number): void {
    this.#end({ ...call, due: now }, { why, by: "server", sides }, now);
  }

  /** The trunk's server has not had the ACK for its offer. */
  offeredAgain(id: string): void {
    const { user, answer, refer } = this.rows.all().get(id) ?? {};
    if (user?.details !== undefined && answer !== undefined && refer !== undefined)
      this.#requests.acknowledge(user.details, answer, refer + 1);
  }

  /** A response to a request of the server. */
  response({ to, text, status }: ResponseEnvelope, now: number): Receipt {
    const taker = takerOf(to);
    const [id = "", what = ""] = taker.kind === "third party" ? taker.id.split(".") : [];
    const call = this.rows.all().get(id);
    if (what === "user" || what === "other") {
      if (status >= 200) this.#finalOf(call, what, text, status, now);
    } else this.#requests.answered(what, text, status, now);
    return accepted;
  }

  onAlarm(now: number): void {
    for (const call of [...this.rows.all().values()]) {
      if (call.due <= now) {
        this.#due(call, now);
        continue;
      }
      this.#room.alarm.noLaterThan(call.due);
      if (isUnsent(call)) this.#callOther(call, now);
    }
  }

  /** Both ends get their BYE at once: the rows are deleted with the user. */
  onSubscriberDeleted(now: number): void {
    for (const call of [...this.rows.all().values()]) {
      for (const side of ["user", "other"] as const) if (call[side]?.details === undefined) this.#requests.giveUp(call, side);
      this.#end(call, { why: "the user was deleted", by: "server", sides: ["user", "other"] }, now);
    }
    this.rows.wiped();
  }

  #due(call: ThirdPartyCall, now: number): void {
    if (call.ending !== undefined) return this.#sendByes(call, now);
    if (call.own !== undefined) {
      this.#requests.hangUp(call.own, "the call was transferred", now);
      return this.rows.keep(withoutOwn(call));
    }
    if (call.user.details === undefined) {
      this.#requests.giveUp(call, "user");
      return this.rows.forget(call);
    }
    if (call.other?.details !== undefined)
      return this.#end(call, { why: "the call has lasted too long", by: "server", sides: ["user", "other"] }, now);
    this.#requests.giveUp(call, "other");
    this.#failed(call, "the other side did not answer", now);
  }

  /** Why the other address cannot be called; undefined if it can. */
  async #refusalOf(call: ThirdPartyCall): Promise<Fault | undefined> {
    const question = this.#requests.questionOf(call, "v=0");
    if (isFault(question)) return question;
    const target = await decideTarget(this.#room, question.question);
    return isFault(target) ? target : undefined;
  }

  #finalOf(call: ThirdPartyCall | undefined, side: Side, text: string, status: number, now: number): void {
    if (status >= 300) {
      if (call !== undefined) return side === "user" ? this.rows.forget(call) : this.#failed(call, whyOf(status), now);
      return;
    }
    const response = parsedResponse(text);
    const details = this.#requests.detailsOf(response);
    const description = sessionDescriptionOf(response);
    if (details === undefined) return;
    const known = call?.[side]?.details;
    if (call !== undefined && known?.remoteTag === details.remoteTag) return this.#requests.repeated(call, side, details);
    const isFirst = call !== undefined && known === undefined && call.ending === undefined;
    if (isFirst && description !== undefined)
      return side === "user" ? this.#userAnswered(call, details, description, now) : this.#connected(call, details, description, now);
    this.#requests.refuseAnswer(details, side, description, now);
    if (isFirst) this.#failed(call, "the other side answered without audio", now);
  }

  /** The user waits from here on, and hears nothing before the other one answers. */
  #userAnswered(call: ThirdPartyCall, details: CallDetails, offer: string, now: number): void {
    const waiting = { ...call, user: { ...call.user, details }, offer, due: now + patienceOfUser };
    this.rows.keep(waiting);
    this.#callOther(waiting, now);
  }

  /** After an eviction it is done again: the home of the other one drops the repetition. */
  #callOther(call: ThirdPartyCall, now: number): void {
    this.#room.alarm.noLaterThan(now + repeatAfter);
    this.#sendToOther(call, now).then(
      (receipt) => this.#otherAnswered(call.id, receipt),
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }

  #otherAnswered(id: string, receipt: Receipt): void {
    const call = this.rows.all().get(id);
    if (call?.other === undefined || call.ending !== undefined || call.other.details !== undefined) return;
    if (receipt.kind === "answered") return this.#failed(call, whyOf(receipt.status), Date.now());
    this.rows.keep({ ...call, other: { ...call.other, isTaken: true } });
  }

  async #sendToOther(call: ThirdPartyCall, now: number): Promise<Receipt> {
    const asked = this.#requests.questionOf(call, call.offer ?? "");
    if (isFault(asked)) return refusedBy(asked);
    const target = await selectTarget(this.#room, asked.question);
    if (isFault(target)) return refusedBy(target);
    const current = this.rows.all().get(call.id);
    if (current?.other === undefined || current.ending !== undefined) return accepted;
    this.#room.log.passed(now, "-", asked.text);
    const sent = this.#requests.sent(call, "other", asked.text);
    return this.#sendTo(current, target, sent, now);
  }

  async #sendTo(call: ThirdPartyCall, target: Target, sent: SentRequest, now: number): Promise<Receipt> {
    if (target.kind === "redirect") return refusedBy(fault(target.status, "the address is elsewhere"));
    const home = target.kind === "home" ? target.home : this.#room.home.name;
    if (call.other !== undefined) this.rows.keep({ ...call, other: { ...call.other, home } });
    if (target.kind === "external") return this.#forking.openExternal(sent, parsed(sent.text), target, now);
    const { kind: _kind, home: _home, ...more } = target;
    return this.#passOn(home, { ...sent, ...more });
  }

  #connected(call: ThirdPartyCall, details: CallDetails, answer: string, now: number): void {
    const { offer: _offer, ...rest } = call;
    const { transaction = "", callId = details.callId, tag = details.localTag, home } = call.other ?? {};
    const other = { transaction, callId, tag, details, ...(home === undefined ? {} : { home }) };
    this.rows.keep({ ...rest, other, answer, due: now + maxCallTime });
    this.#requests.acknowledge(details);
    if (call.user.details !== undefined) this.#requests.acknowledge(call.user.details, answer);
  }

  /** The other one cannot be reached: the user's call ends. */
  #failed(call: ThirdPartyCall, why: string, now: number): void {
    if (call.ending !== undefined) return;
    const { details } = call.user;
    if (details !== undefined && call.offer !== undefined) this.#requests.acknowledge(details, refusedMedia(call.offer));
    this.#end(call, { why, by: "server", sides: details === undefined ? [] : ["user"] }, now);
  }

  /** An end has hung up. @param by absent: the phone itself */
  #ended(call: ThirdPartyCall, side: Side, by: EndedBy | undefined, now: number): void {
    if (call.ending !== undefined) return;
    const isConnected = call.other?.details !== undefined;
    if (!isConnected) this.#requests.giveUp(call, "other");
    this.#over(call, side, by, now);
    this.#end(call, { why: "the other side has hung up", by: by ?? "caller", sides: isConnected ? [opposite(side)] : [] }, now);
  }

  #over(call: ThirdPartyCall, sender: Side, by: EndedBy | undefined, now: number): void {
    if (call.offsets !== undefined && call.isTransferred !== true) this.#restoredIsOver(call, sender, by, now);
  }

  #end(call: ThirdPartyCall, ending: Omit<NonNullable<ThirdPartyCall["ending"]>, "until">, now: number): void {
    this.#requests.hangUp(call.own, ending.why, now);
    if (ending.sides.length === 0) return this.rows.forget(call);
    const over = { ...withoutOwn(call), ending: { ...ending, until: now + maxEnding }, due: now + repeatAfter };
    this.rows.keep(over);
    this.#sendByes(over, now);
  }

  /** Until the homes of all its ends have the BYE. */
  #sendByes(call: ThirdPartyCall, now: number): void {
    const { ending } = call;
    if (ending === undefined || ending.until <= now) return this.rows.forget(call);
    this.rows.keep({ ...call, due: now + repeatAfter });
    const hangUp = new HangUp(this.#room, this.#passOn, ending.by);
    const all = ending.sides.flatMap((side) => call[side]?.details ?? []);
    Promise.all(all.map((details) => hangUp.end({ name: "", since: call.since, details }, ending.why, now))).then(
      () => this.rows.forget(call),
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }
}

const tooMany: BegunCall = { kind: "refused", status: 409, why: "too many such calls of this user are in progress" };
const transferredBefore: Fault = fault(403, "this call was transferred before, and is not transferred again");
const notConnected: Fault = fault(491, "the call is not connected yet");

function refusedBy({ status, fault: why }: Fault): Receipt {
  return { kind: "answered", status, text: "", why };
}
