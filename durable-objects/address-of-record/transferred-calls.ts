import { targetIn } from "../../lib/proxy/bye.ts";
import { callName, dialogName } from "../../lib/proxy/call-name.ts";
import { readReferTarget } from "../../lib/proxy/refer-target.ts";
import { refusedMedia } from "../../lib/proxy/third-party-call.ts";
import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { sessionDescriptionOf } from "../../lib/syntax/body.ts";
import { type Fault, fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { reasonPhrase } from "../../lib/syntax/reason-phrase.ts";
import { type EndedBy, type Receipt, type RequestEnvelope, type ResponseEnvelope, accepted } from "../../lib/transport/envelope.ts";
import type { CallDetails, Flow } from "../../lib/transport/flow.ts";
import type { TransactionId } from "../../lib/transport/identifiers.ts";
import { type ReturnAddress, takerOf } from "../../lib/transport/return-address.ts";
import { answered, refused } from "../shared/reply.ts";
import { parsed, parsedResponse } from "../shared/reparse.ts";
import { decideTarget, selectTarget } from "../shared/target-selection.ts";
import { referredTo } from "../shared/trunk-destinations.ts";
import type { Account } from "./account.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { CallRecords } from "./call-records.ts";
import type { Forking } from "./forking.ts";
import type { LocalUserAgent } from "./local-user-agent.ts";
import type { Part } from "./part.ts";
import type { PassOn } from "./pass-on.ts";
import type { Room } from "./room.ts";
import type { ListedCall } from "./third-party-call-rows.ts";
import type { ThirdPartyCalls } from "./third-party-calls.ts";
import { type Side, ThirdPartyRequests } from "./third-party-requests.ts";
import { type Transfer, TransferRows, byeOf, dialogOf, endsOf, patience, transferOf, withTarget } from "./transfer-rows.ts";

type WithinDialog = RoutingDecision & { readonly kind: "dialog" };

interface TransferParts {
  readonly forking: Pick<Forking, "openExternal">;
  readonly connected: ThirdPartyCalls;
  readonly activeCalls: Pick<ActiveCalls, "ended" | "all">;
  readonly records: Pick<CallRecords, "ended">;
}

/** Milliseconds until the phone is asked again whose own INVITE has crossed the server's. */
const crossedAfter = 1500;
/** The numbers of what the server sends to the user's phone, higher than those of the end that it stands for. */
const [ownNumbers, ownOffset] = [1_000_000_000, 1_000_000_100] as const;
/** How much higher the numbers towards the trunk are than those of the dialogs that are connected with it. */
const offset = 10;
const maxNumber = 500_000_000;
/** Of one user: under way, and transferred calls that go on. */
const maxTransfers = 20;

/**
 * Transfers of calls over trunks whose servers refuse REFER (RFC 3515): this home calls whom the user names, with the session description
 * that the trunk's server offers in a re-INVITE, and connects the two. The user's phone hears of it by NOTIFY. If it fails, the user has
 * the call again.
 */
export class TransferredCalls implements Part, LocalUserAgent {
  /** No dialog has this name: it takes over those of others. */
  readonly phone = "transfer";
  readonly senders = ["transfer"] as const;
  readonly #room: Room;
  readonly #requests: ThirdPartyRequests;
  readonly #parts: TransferParts;
  readonly #passOn: PassOn;
  readonly #rows: TransferRows;

  constructor(room: Room, account: Account, parts: TransferParts, passOn: PassOn) {
    this.#room = room;
    this.#requests = new ThirdPartyRequests(room, account, passOn, "transfer");
    this.#parts = parts;
    this.#passOn = passOn;
    this.#rows = new TransferRows(room);
  }

  /** A REFER of the user's phone. @returns why it is refused; else it is accepted (202) */
  async refer(flow: Flow, request: Request, mandatory: MandatoryHeaders, way: WithinDialog, now: number): Promise<Fault | undefined> {
    const written = referredTo(request);
    const target = isFault(written) ? written : readReferTarget(written);
    if (isFault(target)) return target;
    const known = this.#callOf(mandatory, now);
    if (isFault(known)) return known;
    const details = dialogOf(request, mandatory, way, known);
    const transfer = transferOf(flow, this.#room.home.name, { details, cseq: mandatory.cseq.number }, target, now);
    const question = this.#requests.questionOf(transfer, "v=0");
    const decided = isFault(question) ? question : await decideTarget(this.#room, question.question);
    if (isFault(decided)) return decided;
    // It may have ended meanwhile, or be transferred by another REFER.
    const stillKnown = this.#callOf(mandatory, now);
    if (isFault(stillKnown)) return stillKnown;
    this.#rows.keep(transfer);
    this.#notOfPhone(transfer);
    this.#notify(transfer, 100);
    this.#ask("INVITE", transfer, "user", { cseq: transfer.cseq + 1 });
    return undefined;
  }

  /** The call that a REFER belongs to, or why it cannot be transferred. */
  #callOf(mandatory: MandatoryHeaders, now: number): CallDetails | Fault {
    const all = [...this.#rows.all().values()];
    if (all.some(({ own }) => own.callId === mandatory.callId)) return limitReached(480, "the call is being transferred");
    if (all.length + this.#parts.connected.rows.adopted().length >= maxTransfers)
      return limitReached(480, "too many transferred calls of this user");
    if (mandatory.cseq.number > maxNumber) return fault(403, "the number of CSeq is too high for a transfer");
    const known = this.#parts.activeCalls.all(now).find(({ name }) => name === dialogName(mandatory))?.details;
    return known === undefined || known.target === "" ? unknownCall : known;
  }

  takes(mandatory: MandatoryHeaders, sender: ReturnAddress): boolean {
    // The server has sent no 2xx meanwhile: each ACK is for what was before.
    return this.#rows.all().size > 0 && mandatory.cseq.method !== "ACK" && this.#rows.find(mandatory, sender) !== undefined;
  }

  /** A request of either end of the call that is being transferred. */
  inDialog(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    const found = this.#rows.find(mandatory, envelope.answerTo);
    if (request.method === "ACK") return accepted;
    if (found === undefined) return answered(request, 481, "there is no such call");
    if (request.method !== "BYE") return refused(request, underWay);
    const { transfer, isOwn } = found;
    const left: Transfer = { ...transfer, hasLeft: true };
    if (!isOwn) this.#abandon(transfer, "the other side has hung up", now, "user");
    else if (transfer.isRestoring === true) this.#abandon(left, "the other side has hung up", now, "other");
    else this.#rows.keep(left);
    return answered(request, 200);
  }

  response({ to, text, status }: ResponseEnvelope, now: number): Receipt {
    const taker = takerOf(to);
    const [id = "", what = ""] = taker.kind === "transfer" ? taker.id.split(".") : [];
    if (status >= 200) this.#responded(id, what, text, status, now);
    return accepted;
  }

  /** The calls that are being transferred; to the phone they are none any more. */
  all(): readonly ListedCall[] {
    return this.#rows.listed();
  }

  /** An administrator ends a call. */
  cancel(name: string, now: number): void {
    for (const transfer of [...this.#rows.all().values()])
      if (callName(transfer.own.callId) === name) this.#abandon(transfer, "an administrator has ended the call", now);
  }

  onAlarm(now: number): void {
    for (const transfer of [...this.#rows.all().values()]) {
      if (transfer.due > now) this.#room.alarm.noLaterThan(transfer.due);
      else if (transfer.isRestoring === true && now < transfer.since + patience.altogether) this.#restore(transfer);
      else if (transfer.isRestoring === true) this.#abandon(transfer, lost, now);
      else this.#failed(transfer, 408, now);
    }
  }

  onSubscriberDeleted(now: number): void {
    for (const transfer of [...this.#rows.all().values()]) this.#abandon(transfer, "the user was deleted", now);
  }

  /** A final response, of one of the two ends or of the one who is called. */
  #responded(id: string, what: string, text: string, status: number, now: number): void {
    const transfer = this.#rows.all().get(id);
    if (status >= 300 && transfer !== undefined) this.#tookRefusal(transfer, what);
    if (what === "user") this.#offered(id, transfer, text, status, now);
    if (what === "other") this.#answeredBy(transfer, text, status, now);
    if (what === "own") this.#restored(transfer, text, status, now);
  }

  /** RFC 3261 §17.1.1.3: an INVITE within a dialog passes without state, so that its ACK is its sender's. */
  #tookRefusal(transfer: Transfer, what: string): void {
    const { user, own, cseq, crossed = 0 } = transfer;
    if (what === "user" && user.details !== undefined)
      this.#requests.acknowledge(user.details, undefined, cseq + 1, transactionOf(transfer, what));
    if (what === "own") this.#requests.acknowledge(own, undefined, ownNumbers + 50 + crossed, transactionOf(transfer, what));
  }

  /** The trunk's server has answered the re-INVITE without an offer: it offers (RFC 3261 §14.1). */
  #offered(id: string, transfer: Transfer | undefined, text: string, status: number, now: number): void {
    if (transfer === undefined) return this.#parts.connected.offeredAgain(id);
    if (transfer.offer !== undefined || transfer.isRestoring === true) return;
    const response = status < 300 ? parsedResponse(text) : undefined;
    const offer = response && sessionDescriptionOf(response);
    if (response !== undefined && offer === undefined) this.#acknowledge(transfer, undefined);
    if (response === undefined || offer === undefined) return this.#failed(transfer, status < 300 ? 488 : status, now);
    const offered = { ...withTarget(transfer, targetIn(response)), offer };
    this.#rows.keep(offered);
    this.#call(offered, offer, now).then(
      (receipt) => (receipt.kind === "answered" ? this.#responded(transfer.id, "other", "", receipt.status, Date.now()) : undefined),
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }

  async #call(transfer: Transfer, offer: string, now: number): Promise<Receipt> {
    const asked = this.#requests.questionOf(transfer, offer, transfer.lines, transfer.user.details?.local);
    const target = isFault(asked) ? asked : await selectTarget(this.#room, asked.question);
    if (isFault(asked) || isFault(target) || target.kind === "redirect")
      return { kind: "answered", status: isFault(target) ? target.status : 480, text: "" };
    const current = this.#rows.all().get(transfer.id);
    if (current === undefined || current.isRestoring === true) return accepted;
    const home = target.kind === "home" ? target.home : this.#room.home.name;
    this.#rows.keep({ ...current, other: { ...current.other, home } });
    this.#room.log.passed(now, "-", asked.text);
    const sent = this.#requests.sent(transfer, "other", asked.text);
    if (target.kind === "external") return this.#parts.forking.openExternal(sent, parsed(sent.text), target, now);
    const { kind: _kind, home: _home, ...more } = target;
    return this.#passOn(home, { ...sent, ...more });
  }

  #answeredBy(transfer: Transfer | undefined, text: string, status: number, now: number): void {
    const response = status < 300 ? parsedResponse(text) : undefined;
    const details = response && this.#requests.detailsOf(response);
    const answer = response && sessionDescriptionOf(response);
    if (details !== undefined) this.#requests.acknowledge(details);
    const isWaiting = transfer !== undefined && transfer.isRestoring !== true;
    if (isWaiting && details !== undefined && answer !== undefined) return this.#connected(transfer, details, answer, now);
    // Too late, from a second phone, or without media. A repeated one has its ACK.
    if (details !== undefined && !this.#parts.connected.rows.hasOther(details))
      this.#requests.hangUp(details, "the call was not transferred", now);
    if (isWaiting) this.#failed(transfer, status < 300 ? 488 : status, now);
  }

  #connected(transfer: Transfer, details: CallDetails, answer: string, now: number): void {
    this.#acknowledge(transfer, answer);
    const { id, target, user, other, cseq, own, hasLeft } = transfer;
    const offsets = { user: cseq + offset, other: offset };
    const left = hasLeft === true ? {} : { own };
    const more = { answer, refer: cseq, isTransferred: true as const, ...left };
    const connected = { id, target, since: now, user, other: { ...other, details }, offsets, ...more };
    this.#parts.connected.adopt(connected, now);
    this.#noteEnd(transfer, "other", undefined, now);
    this.#notify(transfer, 200);
    this.#rows.forget(transfer);
  }

  /** The user's phone gets the call back: it answers the offer of the trunk's server, as if that had asked it. */
  #failed(transfer: Transfer, status: number, now: number): void {
    this.#requests.giveUp(transfer, "other");
    this.#notify(transfer, status);
    if (transfer.hasLeft === true) return this.#abandon(transfer, "the other side cannot be reached", now, "other");
    if (transfer.offer === undefined) return this.#notAsked(transfer, status, now);
    this.#restore(transfer);
  }

  #restore(transfer: Transfer): void {
    const { offer = "", crossed = 0 } = transfer;
    this.#rows.keep({ ...transfer, isRestoring: true, due: transfer.since + patience.altogether });
    const lines = ["Content-Type: application/sdp"];
    this.#ask("INVITE", transfer, "own", { cseq: ownNumbers + 50 + crossed, lines, body: offer });
  }

  /** The trunk's server has made no offer: the dialog goes on as it was, but for its numbers, unless it is gone (RFC 3261 §14.1). */
  #notAsked(transfer: Transfer, status: number, now: number): void {
    if (status === 408 || status === 481) this.#abandon(transfer, lost, now);
    else this.#connect(transfer, now);
  }

  #restored(transfer: Transfer | undefined, text: string, status: number, now: number): void {
    if (transfer?.isRestoring !== true) return;
    const { own, offer = "", since, crossed = 0 } = transfer;
    if (status < 300) this.#requests.acknowledge(own, undefined, ownNumbers + 50 + crossed);
    if (status === 408 || status === 481) return this.#abandon(transfer, lost, now);
    if (status === 491 && now + crossedAfter < since + patience.altogether)
      return this.#rows.keep({ ...transfer, crossed: crossed + 1, due: now + crossedAfter });
    // If the phone has refused the offer, its next own one brings the media back.
    const answer = (status < 300 ? sessionDescriptionOf(parsedResponse(text)) : undefined) ?? refusedMedia(offer);
    this.#acknowledge(transfer, answer);
    this.#connect(transfer, now, answer);
  }

  /** The two ends of the call before, with numbers that fit what was sent meanwhile. */
  #connect(transfer: Transfer, now: number, answer?: string): void {
    const { id, target, since, cseq: refer } = transfer;
    const more = answer === undefined ? {} : { answer };
    this.#parts.connected.adopt(
      { id, target, since, ...endsOf(transfer), offsets: { user: offset, other: ownOffset }, refer, ...more },
      now,
    );
    this.#rows.forget(transfer);
  }

  #acknowledge({ user, cseq }: Transfer, answer: string | undefined): void {
    if (user.details !== undefined) this.#requests.acknowledge(user.details, answer, cseq + 1);
  }

  /** Both ends that are left get a BYE. @param left who has hung up: the end at the trunk, or the user's phone ("other") */
  #abandon(transfer: Transfer, why: string, now: number, left?: Side): void {
    const { id, target, since, offer, cseq: refer, hasLeft } = transfer;
    const sides = (["user", "other"] as const).filter((side) => side !== left && !(side === "other" && hasLeft === true));
    this.#requests.giveUp(transfer, "other");
    if (offer !== undefined) this.#acknowledge(transfer, refusedMedia(offer));
    this.#parts.connected.abandon({ id, target, since, ...endsOf(transfer), refer, isTransferred: true }, sides, why, now);
    this.#noteEnd(transfer, left ?? "other", left === undefined ? "server" : undefined, now);
    this.#rows.forget(transfer);
  }

  /** An end of the phone's connection, or of an administrator's list, does not end the call any more. */
  #notOfPhone(transfer: Transfer): void {
    const bye = byeOf(endsOf(transfer), "other");
    if (bye !== undefined) this.#parts.activeCalls.ended(bye);
  }

  #noteEnd(transfer: Transfer, sender: Side, by: EndedBy | undefined, now: number): void {
    const bye = byeOf(endsOf(transfer), sender);
    if (bye !== undefined) this.#parts.records.ended(bye, by, now);
  }

  /** RFC 3515 §2.4.4, §2.4.5: a NOTIFY with the status of the call, the last one with a final status. */
  #notify(transfer: Transfer, status: number): void {
    if (transfer.hasLeft === true) return;
    const state = status < 200 ? `active;expires=${patience.altogether / 1000}` : "terminated;reason=noresource";
    const lines = [`Event: refer;id=${transfer.cseq}`, `Subscription-State: ${state}`, "Content-Type: message/sipfrag;version=2.0"];
    const body = `SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`;
    this.#ask("NOTIFY", transfer, "note", { cseq: ownNumbers + (status < 200 ? 1 : 2), lines, body });
  }

  /** A request within the dialog with the trunk's server ("user"), or with the user's phone. A refusal at once is a response, too. */
  #ask(
    method: "INVITE" | "NOTIFY",
    transfer: Transfer,
    what: "user" | "own" | "note",
    written: Parameters<ThirdPartyRequests["ask"]>[3],
  ): void {
    const { id, user, own } = transfer;
    const details = what === "user" ? (user.details ?? own) : own;
    this.#requests.ask(method, details, `${id}.${what}`, written, transactionOf(transfer, what)).then(
      (receipt) => (receipt === undefined ? undefined : this.#responded(id, what, receipt.text, receipt.status, Date.now())),
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }
}

/** Of an INVITE of the server within one of the dialogs. */
function transactionOf({ user, crossed = 0 }: Transfer, what: string): TransactionId | undefined {
  return what === "note" ? undefined : `${user.transaction}${what}${crossed}`;
}

const lost = "the call was lost in a transfer";
const underWay: Fault = fault(491, "the call is being transferred");
const unknownCall: Fault = fault(480, "the call is not known here, and cannot be transferred");
