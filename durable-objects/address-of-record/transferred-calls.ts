import { refusedMedia } from "../../lib/proxy/third-party-call.ts";
import { type Bye, targetIn } from "../../lib/proxy/bye.ts";
import { type ReferTarget, readReferTarget } from "../../lib/proxy/refer-target.ts";
import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { sessionDescriptionOf } from "../../lib/syntax/body.ts";
import { type Fault, fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Request, hasHeader, headerValues } from "../../lib/syntax/message.ts";
import { decodedText } from "../../lib/syntax/octets.ts";
import { reasonPhrase } from "../../lib/syntax/reason-phrase.ts";
import { type Receipt, type RequestEnvelope, type ResponseEnvelope, accepted } from "../../lib/transport/envelope.ts";
import { type CallDetails, type Flow, phoneOnFlow } from "../../lib/transport/flow.ts";
import { takerOf } from "../../lib/transport/return-address.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import { answered, refused } from "../shared/reply.ts";
import { parsed, parsedResponse } from "../shared/reparse.ts";
import { decideTarget, selectTarget } from "../shared/target-selection.ts";
import { referredTo } from "../shared/trunk-destinations.ts";
import type { Account } from "./account.ts";
import type { Forking } from "./forking.ts";
import { HangUp } from "./hang-up.ts";
import type { LocalUserAgent } from "./local-user-agent.ts";
import type { Part } from "./part.ts";
import type { PassOn } from "./pass-on.ts";
import type { Room } from "./room.ts";
import type { ThirdPartyCalls } from "./third-party-calls.ts";
import { type ThirdPartyCall, ThirdPartyRequests } from "./third-party-requests.ts";

type WithinDialog = RoutingDecision & { readonly kind: "dialog" };

/**
 * A transfer that is under way. `user` is the other end of the user's call, at a trunk, in whose place the server is called below; `other`
 * whom it is transferred to. Times in milliseconds.
 */
interface Transfer extends Pick<ThirdPartyCall, "id" | "target" | "since" | "user" | "offer" | "due"> {
  readonly other: NonNullable<ThirdPartyCall["other"]>;
  /** The dialog with the user's phone, as its other end has it. */
  readonly own: CallDetails;
  /** Of the REFER. */
  readonly cseq: number;
  readonly lines: ReferTarget["lines"];
  /** The user has hung up. */
  readonly hasLeft?: true;
  /** The other one could not be reached: the user's phone gets its call back. */
  readonly isRestoring?: true;
}

interface TransferParts {
  readonly forking: Pick<Forking, "openExternal">;
  readonly connected: ThirdPartyCalls;
  readonly over: (bye: Bye, now: number) => void;
}

/** Milliseconds. The trunk's server waits 32 s for the ACK (RFC 3261 §13.3.1.4), which it gets when the other one answers. */
const patience = 25_000;
/** The numbers of what the server sends to the user's phone, higher than those of the end that it stands for. */
const [ownNumbers, ownOffset] = [1_000_000_000, 1_000_000_100] as const;
/** How much higher the numbers towards the trunk are than those of the dialogs that are connected with it. */
const offset = 10;
const maxTransfers = 20;

const shape = storedShape<Transfer>();

export const transfersTable = {
  transfers: "CREATE TABLE IF NOT EXISTS transfers (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

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
  readonly #forking: Pick<Forking, "openExternal">;
  readonly #connected: ThirdPartyCalls;
  readonly #passOn: PassOn;
  readonly #over: (bye: Bye, now: number) => void;
  #known: Map<string, Transfer> | undefined;

  /** @param over learns that a call is not its user's any more */
  constructor(room: Room, account: Account, { forking, connected, over }: TransferParts, passOn: PassOn) {
    this.#room = room;
    this.#requests = new ThirdPartyRequests(room, account, passOn, "transfer");
    this.#forking = forking;
    this.#connected = connected;
    this.#passOn = passOn;
    this.#over = over;
  }

  /** A REFER of the user's phone. @returns why it is refused; else it is accepted (202) */
  async refer(flow: Flow, request: Request, mandatory: MandatoryHeaders, way: WithinDialog, now: number): Promise<Fault | undefined> {
    const written = referredTo(request);
    const target = isFault(written) ? written : readReferTarget(written);
    if (isFault(target)) return target;
    if (this.#all().size >= maxTransfers || this.takes(mandatory)) return limitReached(480, "the call is being transferred");
    const dialog = { callId: randomText() + randomText(), tag: randomText(), transaction: randomText() + randomText() };
    const details = dialogOf(request, mandatory, way);
    const { localTag, remoteTag, local = "", remote, callId } = details;
    const contact = flow.boundContacts[0]?.contact ?? local;
    const far = { home: this.#room.home.name, phone: phoneOnFlow(flow) };
    const transfer: Transfer = {
      ...{ id: randomText(), target: target.uri, lines: target.lines, since: now, due: now + patience, cseq: mandatory.cseq.number },
      user: { callId, tag: localTag, details, transaction: randomText() + randomText() },
      other: dialog,
      own: { callId, localTag: remoteTag, remoteTag: localTag, local: remote, remote: local, target: contact, far, isCaller: false },
    };
    const question = this.#requests.questionOf(transfer, "v=0");
    const decided = isFault(question) ? question : await decideTarget(this.#room, question.question);
    if (isFault(decided)) return decided;
    this.#keep(transfer);
    this.#notify(transfer, 100);
    this.#requests.ask("INVITE", details, `${transfer.id}.user`, { cseq: transfer.cseq + 1 });
    return undefined;
  }

  takes(mandatory: MandatoryHeaders): boolean {
    return this.#all().size > 0 && this.#find(mandatory) !== undefined;
  }

  /** A request of either end of the call that is being transferred. */
  inDialog(_envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    const found = this.#find(mandatory);
    if (found === undefined || request.method === "ACK") return accepted;
    if (request.method !== "BYE") return refused(request, underWay);
    const { transfer, isOwn } = found;
    if (isOwn) this.#keep({ ...transfer, hasLeft: true });
    else this.#abandon(transfer, "the other side has hung up", now);
    return answered(request, 200);
  }

  response({ to, text, status }: ResponseEnvelope, now: number): Receipt {
    const taker = takerOf(to);
    const [id = "", what = ""] = taker.kind === "transfer" ? taker.id.split(".") : [];
    const transfer = this.#all().get(id);
    if (transfer === undefined || status < 200) return accepted;
    if (what === "user") this.#offered(transfer, text, status, now);
    if (what === "other") this.#answeredBy(transfer, text, status, now);
    if (what === "own") this.#restored(transfer, text, status, now);
    return accepted;
  }

  onAlarm(now: number): void {
    for (const transfer of [...this.#all().values()]) {
      if (transfer.due > now) this.#room.alarm.noLaterThan(transfer.due);
      else if (transfer.isRestoring === true) this.#abandon(transfer, "the call was lost in a transfer", now);
      else this.#failed(transfer, 408, now);
    }
  }

  onSubscriberDeleted(now: number): void {
    for (const transfer of [...this.#all().values()]) this.#abandon(transfer, "the user was deleted", now);
  }

  /** The trunk's server has answered the re-INVITE without an offer: it offers (RFC 3261 §14.1). */
  #offered(transfer: Transfer, text: string, status: number, now: number): void {
    if (transfer.offer !== undefined || transfer.isRestoring === true) return;
    const response = status < 300 ? parsedResponse(text) : undefined;
    const offer = response && sessionDescriptionOf(response);
    if (response === undefined || offer === undefined) return this.#failed(transfer, status < 300 ? 488 : status, now);
    const offered = { ...withTarget(transfer, targetIn(response)), offer };
    this.#keep(offered);
    this.#call(offered, offer, now).then(
      (receipt) =>
        receipt.kind === "answered" ? this.#answeredBy(this.#all().get(transfer.id), "", receipt.status, Date.now()) : undefined,
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }

  async #call(transfer: Transfer, offer: string, now: number): Promise<Receipt> {
    const asked = this.#requests.questionOf(transfer, offer, transfer.lines);
    const target = isFault(asked) ? asked : await selectTarget(this.#room, asked.question);
    if (isFault(asked) || isFault(target) || target.kind === "redirect")
      return { kind: "answered", status: isFault(target) ? target.status : 480, text: "" };
    const current = this.#all().get(transfer.id);
    if (current === undefined) return accepted;
    const home = target.kind === "home" ? target.home : this.#room.home.name;
    this.#keep({ ...current, other: { ...current.other, home } });
    this.#room.log.passed(now, "-", asked.text);
    const sent = this.#requests.sent(transfer, "other", asked.text);
    if (target.kind === "external") return this.#forking.openExternal(sent, parsed(sent.text), target, now);
    const { kind: _kind, home: _home, ...more } = target;
    return this.#passOn(home, { ...sent, ...more });
  }

  #answeredBy(transfer: Transfer | undefined, text: string, status: number, now: number): void {
    if (transfer === undefined || transfer.isRestoring === true) return;
    const response = status < 300 ? parsedResponse(text) : undefined;
    const details = response && this.#requests.detailsOf(response);
    const answer = response && sessionDescriptionOf(response);
    if (details === undefined || answer === undefined) return this.#failed(transfer, status < 300 ? 488 : status, now);
    this.#requests.acknowledge(details);
    this.#acknowledge(transfer, answer);
    const { id, target, user, other, cseq, own, hasLeft } = transfer;
    const offsets = { user: cseq + offset, other: offset };
    const left = hasLeft === true ? {} : { own };
    const connected = { id, target, since: now, user, other: { ...other, details }, offsets, isTransferred: true as const, ...left };
    this.#connected.adopt(connected, now);
    // If its phone disappears, the call goes on.
    const dialog = { callId: user.callId, fromTag: own.remoteTag, toTag: own.localTag };
    this.#over({ dialog, other: user.details?.far?.home ?? "", requestUri: user.details?.target ?? "", isOurs: true }, now);
    this.#notify(transfer, 200);
    this.#forget(transfer);
  }

  /** The user's phone gets the call back: it answers the offer of the trunk's server, as if that had asked it. */
  #failed(transfer: Transfer, status: number, now: number): void {
    if (transfer.other.home !== undefined)
      this.#send(transfer.other.home, { kind: "cancel", transaction: transfer.other.transaction, reason: undefined, by: "server" });
    this.#notify(transfer, status);
    if (transfer.hasLeft === true) return this.#abandon(transfer, "the other side cannot be reached", now);
    // Nothing was asked, or refused: the dialog goes on as it was, but for its numbers.
    if (transfer.offer === undefined) return this.#connect(transfer, now);
    this.#keep({ ...transfer, isRestoring: true, due: now + patience });
    const type = "Content-Type: application/sdp";
    this.#requests.ask("INVITE", transfer.own, `${transfer.id}.own`, { cseq: ownNumbers + 50, lines: [type], body: transfer.offer });
  }

  #restored(transfer: Transfer, text: string, status: number, now: number): void {
    const answer = status < 300 ? sessionDescriptionOf(parsedResponse(text)) : undefined;
    if (status < 300) this.#requests.acknowledge(transfer.own, undefined, ownNumbers + 50);
    if (answer === undefined) return this.#abandon(transfer, "the call was lost in a transfer", now);
    this.#acknowledge(transfer, answer);
    this.#connect(transfer, now);
  }

  /** The two ends of the call before, with numbers that fit what was sent meanwhile. */
  #connect(transfer: Transfer, now: number): void {
    const { id, target, since, user, own, cseq } = transfer;
    const other = { callId: own.callId, tag: own.localTag, transaction: "", details: own };
    this.#connected.adopt({ id, target, since, user, other, offsets: { user: cseq + offset, other: ownOffset } }, now);
    this.#forget(transfer);
  }

  #acknowledge({ user, cseq }: Transfer, answer: string): void {
    if (user.details !== undefined) this.#requests.acknowledge(user.details, answer, cseq + 1);
  }

  /** Both ends that are left get a BYE. */
  #abandon(transfer: Transfer, why: string, now: number): void {
    const { user, own, other, offer, hasLeft } = transfer;
    if (other.home !== undefined)
      this.#send(other.home, { kind: "cancel", transaction: other.transaction, reason: undefined, by: "server" });
    if (offer !== undefined) this.#acknowledge(transfer, refusedMedia(offer));
    const hangUp = new HangUp(this.#room, this.#passOn, "server");
    for (const details of [user.details, hasLeft === true ? undefined : own]) {
      const ended = details === undefined ? undefined : hangUp.end({ name: "", since: transfer.since, details }, why, now);
      ended?.catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
    }
    this.#forget(transfer);
  }

  /** RFC 3515 §2.4.4, §2.4.5: a NOTIFY with the status of the call, the last one with a final status. */
  #notify({ own, id, cseq, hasLeft }: Transfer, status: number): void {
    if (hasLeft === true) return;
    const state = status < 200 ? `active;expires=${patience / 1000}` : "terminated;reason=noresource";
    const lines = [`Event: refer;id=${cseq}`, `Subscription-State: ${state}`, "Content-Type: message/sipfrag;version=2.0"];
    const body = `SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`;
    this.#requests.ask("NOTIFY", own, `${id}.note`, { cseq: ownNumbers + (status < 200 ? 1 : 2), lines, body });
  }

  #send(home: string, envelope: Parameters<PassOn>[1]): void {
    this.#passOn(home, envelope).catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** The transfer of the dialog that a request belongs to; `isOwn`: the user's phone sends it. */
  #find({ callId, fromTag, toTag }: MandatoryHeaders): { readonly transfer: Transfer; readonly isOwn: boolean } | undefined {
    for (const transfer of this.#all().values()) {
      const { localTag, remoteTag } = transfer.own;
      if (transfer.own.callId !== callId) continue;
      if (fromTag === remoteTag && toTag === localTag) return { transfer, isOwn: true };
      if (fromTag === localTag && toTag === remoteTag) return { transfer, isOwn: false };
    }
    return undefined;
  }

  #keep(transfer: Transfer): void {
    this.#all().set(transfer.id, transfer);
    this.#room.memory.run("INSERT OR REPLACE INTO transfers (id, value) VALUES (?, ?)", transfer.id, shape.write(transfer));
    this.#room.alarm.noLaterThan(transfer.due);
  }

  #forget({ id }: Transfer): void {
    if (this.#all().delete(id)) this.#room.memory.run("DELETE FROM transfers WHERE id = ?", id);
  }

  #all(): Map<string, Transfer> {
    this.#known ??= new Map(
      this.#room.memory
        .all<{ id: string; value: string }>("SELECT id, value FROM transfers")
        .map(({ id, value }) => [id, shape.read(value)]),
    );
    return this.#known;
  }
}

/** RFC 3261 §12.2.1.2: the answer to a re-INVITE may have another Contact. */
function withTarget(transfer: Transfer, target: string | undefined): Transfer {
  const { user } = transfer;
  if (target === undefined || user.details === undefined) return transfer;
  return { ...transfer, user: { ...user, details: { ...user.details, target: decodedText(target) } } };
}

const underWay: Fault = fault(491, "the call is being transferred");

/** The dialog of a request of the user's phone. */
function dialogOf(request: Request, mandatory: MandatoryHeaders, { alterations, receiver, isFromCaller }: WithinDialog): CallDetails {
  const { requestUri = request.requestUri, popRoutes = 0 } = alterations;
  return {
    callId: mandatory.callId,
    localTag: mandatory.fromTag ?? "",
    remoteTag: mandatory.toTag ?? "",
    local: decodedText(mandatory.from.uri),
    remote: decodedText(mandatory.to.uri),
    target: decodedText(requestUri),
    routes: hasHeader(request, "route") ? headerValues(request, "route").slice(popRoutes).map(decodedText) : [],
    far: receiver,
    isCaller: isFromCaller,
  };
}
