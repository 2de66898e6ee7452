import type { Binding } from "../../lib/location/binding.ts";
import { isSilent, passDeadlines } from "../../lib/proxy/deadlines.ts";
import { finalResponse } from "../../lib/proxy/final-response.ts";
import { cancelAnswered, cancelContext, openContext, phoneAppeared, phoneLost, receiveResponse, withBranch } from "../../lib/proxy/fork.ts";
import { readCallDetails } from "../../lib/presence/call-details.ts";
import { forgetsCalls } from "../../lib/proxy/manners.ts";
import { type Forwarder, branchRequest } from "../../lib/proxy/outgoing-request.ts";
import type { Plan } from "../../lib/proxy/plan.ts";
import {
  type Decision,
  type Effect,
  type ForkedBranch,
  type ResponseContext,
  isPending,
  owesCancel,
  ringsHere,
} from "../../lib/proxy/response-context.ts";
import { answerSessionTimer } from "../../lib/proxy/session-timer.ts";
import { conclude } from "../../lib/proxy/search.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { ackFor, cancelFor } from "../../lib/syntax/compose.ts";
import { readContacts } from "../../lib/syntax/contact.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { type Request, type Response, headerValue, parseMessage } from "../../lib/syntax/message.ts";
import { parseParty } from "../../lib/syntax/party.ts";
import type { CancelEnvelope, InquiryEnvelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { taken } from "../../lib/transport/envelope.ts";
import type { CallDetails, Flow } from "../../lib/transport/flow.ts";
import { Undeliverable } from "../room/outbox.ts";
import { randomText } from "../room/random.ts";
import type { Room } from "../room/room.ts";
import { essentialsOf, parsed } from "./checked.ts";
import { type Contexts, type OpenContext, branchName } from "./contexts.ts";
import { type AnsweredCall, callName, withDialog } from "./dialogs.ts";
import { Retargeting } from "./retargeting.ts";

/** Brings a letter to a home, this one included. */
export type PassOn = (home: string, envelope: RequestEnvelope | ResponseEnvelope | CancelEnvelope | InquiryEnvelope) => Promise<Receipt>;

/** The response contexts of requests for this home's user: branches, responses, timers (RFC 3261 §16.6 to §16.10). */
export class Forking {
  readonly #room: Room;
  readonly #contexts: Contexts;
  readonly #passOn: PassOn;
  readonly #by: Forwarder;
  readonly #retargeting: Retargeting;

  constructor(room: Room, contexts: Contexts, passOn: PassOn) {
    this.#room = room;
    this.#contexts = contexts;
    this.#passOn = passOn;
    this.#by = { keyring: room.keyring, home: room.home.name, hint: room.home.hint };
    this.#retargeting = new Retargeting(room, passOn, (envelope) => void this.sentOnAnswered(envelope, Date.now()));
  }

  /** Whether the transaction is known: its request has been here before. */
  has(transaction: string): boolean {
    return this.#contexts.find(transaction) !== undefined;
  }

  /** Calls of others that ring at this user's phones; not those that were sent on. */
  ringing(): RingingCall[] {
    const isRinging = ({ context }: OpenContext) =>
      context.method === "INVITE" && context.final === 0 && context.answerTo.home !== this.#by.home && ringsHere(context);
    return this.#contexts
      .unfinished()
      .filter(isRinging)
      .map(({ context, request }) => {
        const details = readCallDetails(request, request, false);
        const localTag = this.#contexts.earlyTag(context) ?? "";
        return { name: callName(essentialsOf(request).callId), details: details === undefined ? undefined : { ...details, localTag } };
      });
  }

  open(envelope: RequestEnvelope, request: Request, { first, search }: Plan & { kind: "search" }, now: number): Receipt {
    const { timers } = this.#room;
    const until = now + timers.grace;
    const { context, effects } = openContext(envelope, request.method, first, { now, until, timers }, search);
    const open = { context, request };
    this.#contexts.insert(open, now);
    this.#act(open, effects, now);
    return taken;
  }

  /** A phone of our own user has acknowledged the refusal of its call. */
  acknowledged(transaction: string, now: number): void {
    if (this.#contexts.find(transaction)?.context.owed !== undefined) this.#paid(transaction, now);
  }

  /** The caller gave up. */
  cancel(envelope: CancelEnvelope, now: number): Receipt {
    const found = this.#contexts.find(envelope.transaction);
    if (found === undefined) return { kind: "answered", status: 481, text: "" };
    const open = this.#withoutLost(found, now);
    this.#carryOut(open, cancelContext(open.context, envelope.reason, now, this.#room.timers), now);
    return taken;
  }

  /** A response of one of our phones; the text has our Via taken off. */
  response(flow: Flow, response: Response, text: string, method: string, name: { context: string; index: number }, now: number): void {
    const open = this.#contexts.find(name.context);
    const branch = open?.context.branches[name.index];
    // The answer to our own CANCEL has the branch of its INVITE, and ends here (RFC 3261 §9.1, §17.1.3).
    if (open !== undefined && method === "CANCEL")
      this.#carryOut(open, cancelAnswered(open.context, name.index, response.status, now, this.#room.timers), now);
    if (open === undefined || branch === undefined || method !== open.context.method) return;
    const { status } = response;
    const isInvite = open.context.method === "INVITE";
    if (status >= 300 && isInvite) this.#acknowledge(flow, open, branch, response, now);
    const wasProceeding = this.#contexts.proceedingSince(name.context, branch) !== undefined;
    // One that comes again, perhaps behind the BYE, begins nothing.
    const isAnswer = isInvite && status >= 200 && status < 300 && branch.final !== status;
    this.#note(flow, branchName(name.context, name.index), response, isAnswer ? open.request : undefined, now);
    const timer = isInvite ? answerSessionTimer(open.request, response) : undefined;
    const passed = timer === undefined ? text : alter(response, { ...timer, popVia: true });
    this.#respond(open, name.index, { status, text: passed, wasProceeding, contacts: contactsOf(response) }, now);
  }

  /** A response from the home that a branch was sent on to. */
  sentOnAnswered({ to, status, text, binary }: ResponseEnvelope, now: number): Receipt {
    const dot = to.branch?.lastIndexOf(".") ?? -1;
    const open = this.#contexts.find(to.branch?.slice(0, dot) ?? "");
    if (open === undefined) return taken;
    const index = Number(to.branch?.slice(dot + 1));
    const branch = open.context.branches[index];
    if (status === 503 && branch !== undefined && isPending(branch) && this.#retargeting.triesNext(open, branch, text)) return taken;
    if (status >= 200) this.#retargeting.forget(open, index);
    const message = status < 300 || status > 399 ? undefined : parseMessage({ text, binary });
    const contacts = message === undefined || isFault(message) ? [] : contactsOf(message);
    this.#respond(open, index, { status, text, wasProceeding: true, contacts }, now);
    return taken;
  }

  /** Phones have registered: what is ringing rings there too, or again. */
  appeared(bindings: readonly Binding[], now: number): void {
    this.#contexts.collect(now);
    for (const open of this.#contexts.unfinished()) {
      this.#resume(open, now);
      if (open.context.method !== "INVITE") continue;
      for (const { key, phone, contact, q, path } of bindings) {
        const host = this.#room.sockets.carrierOf(key)?.host;
        const caller = open.context.search?.caller ?? open.context.answerTo;
        const isCaller = caller.home === this.#by.home && caller.phone === phone;
        const current = this.#contexts.find(open.context.transaction) ?? open;
        if (!isCaller) this.#carryOut(current, phoneAppeared(current.context, { phone, contact, q, path, key, host }, now), now);
      }
    }
  }

  /** A socket is gone: the phones that can no longer be reached are waited for. */
  flowClosed(flow: Flow, now: number): void {
    if (flow.carried.length === 0) return;
    for (const { phone } of flow.carried) this.#inherit(phone, flow);
    for (const { context, request } of this.#contexts.unfinished()) {
      for (const { phone } of flow.carried) {
        if (this.#room.sockets.newestTo(phone) !== undefined) continue;
        const current = this.#contexts.find(context.transaction)?.context ?? context;
        this.#contexts.save(phoneLost(current, phone, now + this.#room.timers.grace), request, now);
      }
    }
  }

  /** Ends what is over, sends again what the caller's home has not taken, and sets the alarm for what is left. */
  passDeadlines(now: number): void {
    for (const open of this.#contexts.unfinished()) {
      const { owed, collect, transaction } = open.context;
      // Whom it was owed to has long given up.
      if (owed !== undefined && collect <= now) this.#leave(open, now);
      else this.#resume(open, now);
      if (owed !== undefined) continue;
      const since = (branch: ForkedBranch) => this.#contexts.proceedingSince(transaction, branch);
      const current = this.#pastSilent(this.#withoutLost(open, now), now);
      this.#carryOut(current, passDeadlines(current.context, now, this.#room.timers, since), now);
    }
    this.#contexts.collect(now);
    for (const { context } of this.#contexts.unfinished()) this.#contexts.schedule(context, now);
  }

  /** The user is gone: whoever is calling is told, and what rings stops. */
  end(now: number): void {
    for (const open of this.#contexts.unfinished()) {
      const { context } = cancelContext(open.context, undefined, now, this.#room.timers);
      const branches = context.branches.map((branch) => (branch.final === 0 ? { ...branch, final: 480 } : branch));
      const decision = conclude({ ...context, cancelled: undefined, branches }, [], now, this.#room.timers);
      this.#carryOut(open, decision, now);
    }
  }

  /** Another flow of the same phone keeps what was noted on this one: that a branch has rung (RFC 5626 §5.3). */
  #inherit(phone: string, { proceeding, taken }: Flow): void {
    const heir = proceeding.length === 0 && taken === undefined ? undefined : this.#room.sockets.newestTo(phone);
    if (heir === undefined) return;
    const more = taken === undefined ? {} : { taken: `${heir.taken ?? ""}${taken}` };
    this.#room.sockets.update(heir.id, { proceeding: [...heir.proceeding, ...proceeding].slice(-64), ...more });
  }

  /** Phones whose socket went down with our memory are waited for, as if it had closed. */
  #withoutLost(open: OpenContext, now: number): OpenContext {
    const until = now + this.#room.timers.grace;
    const isLost = ({ retarget, phone }: ForkedBranch) => retarget === undefined && this.#room.sockets.newestTo(phone) === undefined;
    const lost = open.context.branches.filter(isLost);
    const context = lost.reduce((current, { phone }) => phoneLost(current, phone, until), open.context);
    this.#contexts.save(context, open.request, now);
    return { context, request: open.request };
  }

  /** Where a server has been silent for all of Timer B the next one is tried, if there is one. */
  #pastSilent(open: OpenContext, now: number): OpenContext {
    let { context } = open;
    for (const branch of open.context.branches) {
      if (!isSilent(context, branch, now, this.#room.timers) || !this.#retargeting.triesNext(open, branch, "")) continue;
      context = withBranch(context, { ...branch, sent: now });
    }
    this.#contexts.save(context, open.request, now);
    return { context, request: open.request };
  }

  /** What may have got lost with our memory is done again; whoever has had it drops it. */
  #resume(open: OpenContext, now: number): void {
    const { context, request } = open;
    if (context.owed !== undefined) this.#payOwed(open, now);
    this.#resumeSentOn(open, now);
    if (context.final !== 0 || context.cancelled !== undefined || context.method !== "INVITE") return;
    const { transaction, answerTo: caller } = context;
    const inquiry: InquiryEnvelope = { kind: "inquiry", transaction, home: this.#by.home, caller, isForgetful: forgetsCalls(request) };
    this.#passOn(caller.home, inquiry).catch((error: unknown) => this.#undelivered(error, () => undefined));
  }

  #resumeSentOn(open: OpenContext, now: number): void {
    for (const branch of open.context.branches) {
      if (branch.retarget === undefined || branch.final !== 0) continue;
      if (branch.cancelled === 0) this.#retargeting.ensure(open, branch, now);
      else this.#retargeting.cancel(open, branch, undefined, now);
    }
  }

  #respond(found: OpenContext, index: number, response: Parameters<typeof receiveResponse>[2], now: number): void {
    // A final response may end the ringing of phones that went down with our memory.
    const open = response.status < 200 ? found : this.#withoutLost(found, now);
    this.#carryOut(open, receiveResponse(open.context, index, response, now, this.#room.timers), now);
  }

  /** Saves the decision, then does what it asks. */
  #carryOut(open: OpenContext, decision: Decision, now: number): void {
    const last = decision.effects.find((effect) => effect.kind === "answer" && effect.status >= 200);
    const isFirst = open.context.final === 0 && open.context.owed === undefined;
    const context = isFirst && last?.kind === "answer" ? owing(decision.context, open.request, last) : decision.context;
    this.#contexts.save(context, open.request, now);
    this.#act({ context, request: open.request }, decision.effects, now);
  }

  #act(open: OpenContext, effects: readonly Effect[], now: number): void {
    for (const effect of effects) {
      const branch = effect.kind === "answer" ? undefined : open.context.branches[effect.branch];
      if (effect.kind === "answer") this.#answer(open, effect, now);
      else if (branch === undefined) continue;
      else if (effect.kind === "forward") this.#forward(open, branch, now);
      else if (effect.kind === "abandon") this.#retargeting.abandon(open, branch);
      else this.#cancelBranch(open, branch, effect, now);
    }
  }

  #forward(open: OpenContext, branch: ForkedBranch, now: number): void {
    if (branch.retarget !== undefined) return this.#retargeting.ensure(open, branch, now);
    if (this.#send(branch, this.#asSent(open, branch), open.request.binary, now)) return;
    const current = this.#contexts.find(open.context.transaction) ?? open;
    this.#contexts.save(phoneLost(current.context, branch.phone, now + this.#room.timers.grace), open.request, now);
  }

  /** By the flow of the branch's own binding, or else the newest of its phone (RFC 5626 §5.3). */
  #send({ phone, key }: ForkedBranch, text: string, binary: boolean, now: number): boolean {
    const { sockets } = this.#room;
    const flow = (key === undefined ? undefined : sockets.carrierOf(key)) ?? sockets.newestTo(phone);
    if (flow === undefined || !sockets.send(flow.id, { text, binary })) return false;
    this.#room.log.passed(now, flow.id, text);
    return true;
  }

  #answer(open: OpenContext, effect: Effect & { kind: "answer" }, now: number): void {
    if (effect.status >= 300 || open.context.owed?.text === effect.text) return this.#payOwed(open, now);
    const envelope = letter(open, effect.status, effect.text ?? "");
    this.#passOn(envelope.to.home, envelope).catch((error: unknown) => this.#undelivered(error, () => undefined));
  }

  /** The final response is kept until the caller's home has it. */
  #payOwed(open: OpenContext, now: number): void {
    const { owed, transaction, answerTo } = open.context;
    if (owed === undefined) return;
    // From our own home to a phone of it there is no receipt but its ACK.
    const isOwn = answerTo.home === this.#by.home && answerTo.branch === undefined && owed.status >= 300;
    this.#passOn(answerTo.home, letter(open, owed.status, owed.text)).then(
      () => (isOwn ? undefined : this.#paid(transaction, now)),
      (error: unknown) => this.#undelivered(error, () => this.#contexts.schedule(open.context, now)),
    );
  }

  /**
   * The caller's home has its final response. After a refusal nothing of the call is left here, unless a phone that is away has to be
   * told; after a 2xx the context stays for what the phones may still send (RFC 6026 §7.2).
   */
  #paid(transaction: string, now: number): void {
    const open = this.#contexts.find(transaction);
    if (open === undefined) return;
    if (open.context.final < 300 && open.context.method === "INVITE") this.#contexts.settle(open, now);
    else this.#leave(open, now);
  }

  /** Nothing is left of a call but that a phone which is away has to be told. */
  #leave({ context, request }: OpenContext, now: number): void {
    if (owesCancel(context)) this.#contexts.save({ ...context, owed: undefined }, request, now);
    else this.#contexts.forget(context.transaction);
  }

  /** The caller's home cannot be reached; what must not be lost is in a row. */
  #undelivered(error: unknown, then: () => void): void {
    if (!(error instanceof Undeliverable)) throw error;
    this.#room.log.note(Date.now(), "-", error.message);
    then();
  }

  #cancelBranch(open: OpenContext, branch: ForkedBranch, { reason, isOverdue }: Effect & { kind: "cancel" }, now: number): void {
    if (branch.retarget !== undefined) return this.#retargeting.cancel(open, branch, reason, now);
    if (isOverdue !== true && this.#contexts.proceedingSince(open.context.transaction, branch) === undefined) return;
    const text = cancelFor(this.#sentRequest(open, branch), reason === undefined ? [] : [["Reason", reason]]);
    this.#send(branch, text, open.request.binary, now);
  }

  #acknowledge(flow: Flow, open: OpenContext, branch: ForkedBranch, response: Response, now: number): void {
    const text = ackFor(this.#sentRequest(open, branch), response);
    if (this.#room.sockets.send(flow.id, { text, binary: open.request.binary })) this.#room.log.passed(now, flow.id, text);
  }

  #asSent(open: OpenContext, branch: ForkedBranch): string {
    return branchRequest(this.#by, open.request, essentialsOf(open.request), open.context, branch);
  }

  #sentRequest(open: OpenContext, branch: ForkedBranch): Request {
    return parsed(this.#asSent(open, branch), open.request.binary);
  }

  /**
   * RFC 3261 §9.1, §16.8: that a provisional response has come decides on CANCEL and Timer C.
   * @param answered the INVITE, if this begins a call in progress
   */
  #note({ id }: Flow, branch: string, response: Response, answered: Request | undefined, now: number): void {
    const flow = this.#room.sockets.byId(id);
    if (flow === undefined) return;
    const { status } = response;
    const others = flow.proceeding.filter((one) => one.branch !== branch);
    const proceeding = (status < 200 ? [...others, { branch, at: now, ...earlyTagIn(response) }] : others).slice(-64);
    const dialogs = answered === undefined ? {} : { dialogs: withDialog(flow.dialogs, answeredCall(answered, response), now) };
    this.#room.sockets.update(id, { proceeding, ...dialogs });
  }
}

/** A call that rings here. */
interface RingingCall {
  readonly name: string;
  readonly details: CallDetails | undefined;
}

function answeredCall(request: Request, response: Response): AnsweredCall {
  return { callId: essentialsOf(request).callId, details: readCallDetails(response, request, false) };
}

/** Of the early dialog that a provisional response makes (RFC 3261 §12.1). */
function earlyTagIn(response: Response): { readonly tag?: string } {
  const to = parseParty(headerValue(response, "to") ?? "");
  const tag = isFault(to) ? undefined : to.tag;
  return tag === undefined || tag.length > longestTag ? {} : { tag };
}

/** Characters: it rides in an attachment. */
const longestTag = 64;

/** A response of a context, addressed to where its request came from. */
function letter({ context, request }: OpenContext, status: number, text: string): ResponseEnvelope {
  const { answerTo: to, method, transaction } = context;
  return { kind: "response", text, binary: request.binary, status, to, transaction: method === "INVITE" ? transaction : undefined };
}

/** The final response is kept until the caller's home has it (RFC 3261 §16.7 steps 6 and 7). */
function owing(context: ResponseContext, request: Request, effect: Effect & { kind: "answer" }): ResponseContext {
  return { ...context, owed: { status: effect.status, text: finalResponse(request, effect, randomText()) } };
}

/** The Contact URIs of a 3xx, best first. */
function contactsOf(response: Parameters<typeof readContacts>[0]): string[] {
  if (response.kind === "request" || response.status < 300 || response.status > 399) return [];
  const contacts = readContacts(response);
  if (isFault(contacts) || contacts === "*") return [];
  return [...contacts].sort((one, other) => (other.q ?? 1000) - (one.q ?? 1000)).map(({ uri }) => uri);
}
