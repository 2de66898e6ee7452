import type { Binding } from "../../lib/location/binding.ts";
import type { Branch } from "../../lib/proxy/branch.ts";
import { passDeadlines } from "../../lib/proxy/deadlines.ts";
import { finalResponse } from "../../lib/proxy/final-response.ts";
import {
  type ReachableTarget,
  cancelContext,
  conclude,
  openContext,
  phoneAppeared,
  phoneLost,
  receiveResponse,
} from "../../lib/proxy/fork.ts";
import { type Forwarder, type StatelessRequest, branchRequest, hasLooped, statelessRequest } from "../../lib/proxy/outgoing-request.ts";
import { type Decision, type Effect, type ForkedBranch, type ResponseContext, owesCancel } from "../../lib/proxy/response-context.ts";
import { forgetsCalls } from "../../lib/proxy/manners.ts";
import { targetSet } from "../../lib/proxy/target-set.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { ackFor, cancelFor, replyTo } from "../../lib/syntax/compose.ts";
import type { Essentials } from "../../lib/syntax/essentials.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import type { Request, Response } from "../../lib/syntax/message.ts";
import { parameter } from "../../lib/syntax/parameters.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import type { CancelEnvelope, InquiryEnvelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { taken } from "../../lib/transport/envelope.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { Undeliverable } from "../room/outbox.ts";
import { randomText } from "../room/random.ts";
import type { Room } from "../room/room.ts";
import { type Contexts, type OpenContext, branchName } from "./contexts.ts";
import { essentialsOf, parsed, read } from "./checked.ts";
import type { Letter, Letters } from "./letters.ts";
import type { Registrar } from "./registrar.ts";

/** Brings a letter to a home, this one included. */
export type PassOn = (home: string, envelope: ResponseEnvelope | InquiryEnvelope) => Promise<Receipt>;

/** Requests for this home's user: the side of the proxy that has the target set and the response contexts (RFC 3261 §16.5 to §16.10). */
export class Incoming {
  readonly #room: Room;
  readonly #registrar: Registrar;
  readonly #contexts: Contexts;
  readonly #letters: Letters;
  readonly #passOn: PassOn;
  readonly #by: Forwarder;

  constructor(room: Room, registrar: Registrar, contexts: Contexts, letters: Letters, passOn: PassOn) {
    this.#room = room;
    this.#registrar = registrar;
    this.#contexts = contexts;
    this.#letters = letters;
    this.#passOn = passOn;
    this.#by = { keyring: room.keyring, home: room.home.name, hint: room.home.hint };
  }

  /** Takes a request from the home of its sender; one that cannot go on is answered on the spot. */
  request(envelope: RequestEnvelope, now: number): Receipt {
    const { request, essentials } = read(envelope);
    if (envelope.to.kind === "phone") return this.#toPhone(envelope, request, essentials, now);
    if (hasLooped(this.#by, request, essentials)) return answered(request, 482);
    if (request.method === "INVITE" && this.#contexts.find(envelope.transaction) !== undefined) return taken;
    const targets = this.#targets(envelope, now);
    if (targets.length === 0) return request.method === "ACK" ? taken : answered(request, 480);
    if (request.method === "INVITE" || targets.length > 1) return this.#fork(envelope, request, targets, now);
    return this.#toTarget(envelope, request, essentials, targets[0] as ReachableTarget, now);
  }

  /** The caller gave up. */
  cancel(envelope: CancelEnvelope, now: number): Receipt {
    const open = this.#contexts.find(envelope.transaction);
    if (open === undefined) return { kind: "answered", status: 481, text: "" };
    this.#carryOut(open, cancelContext(open.context, envelope.reason, now, this.#room.timers), now);
    return taken;
  }

  /** A response of one of our phones, on whichever of the user's sockets it came (RFC 3261 §16.7). */
  response(flow: Flow, response: Response, essentials: Essentials, branch: Branch, now: number): void {
    const text = alter(response, { popVia: true });
    if (branch.kind === "stateless") {
      this.#letters.arrived(essentials.via.branch ?? "");
      const { binary, status } = response;
      this.#post({ kind: "response", text, binary, status, to: branch.answerTo, transaction: undefined });
      return;
    }
    const open = this.#contexts.find(branch.context);
    const forked = open?.context.branches[branch.index];
    // The answer to our own CANCEL has the branch of its INVITE, and ends here (RFC 3261 §9.1, §17.1.3).
    if (open === undefined || forked === undefined || essentials.cseq.method !== open.context.method) return;
    if (response.status >= 300 && open.context.method === "INVITE") this.#acknowledge(flow, open, forked, response, now);
    const wasProceeding = this.#contexts.proceedingSince(branch.context, forked) !== undefined;
    this.#noteProceeding(flow, branchName(branch.context, branch.index), response.status, now);
    const decision = receiveResponse(open.context, branch.index, { status: response.status, text, wasProceeding }, now, this.#room.timers);
    this.#carryOut(open, decision, now);
  }

  /** Phones have registered: what waited for them goes to them, and what is ringing rings there too, or again. */
  appeared(bindings: readonly Binding[], now: number): void {
    for (const { phone } of bindings) this.#handOver(phone, now);
    for (const open of this.#contexts.unfinished()) {
      if (open.context.owed !== undefined) this.#payOwed(open, now);
      if (open.context.method !== "INVITE") continue;
      this.#inquire(open);
      for (const binding of bindings) {
        const host = this.#room.sockets.carrierOf(binding.key)?.host;
        const { phone, contact, q, path } = binding;
        const isCaller = open.context.answerTo.home === this.#by.home && open.context.answerTo.phone === phone;
        const current = this.#contexts.find(open.context.transaction) ?? open;
        if (!isCaller) this.#carryOut(current, phoneAppeared(current.context, { phone, contact, q, path, host }, now), now);
      }
    }
  }

  /** A socket is gone: the phones that can no longer be reached are waited for. */
  flowClosed(flow: Flow, now: number): void {
    if (flow.carried.length === 0) return;
    const until = now + this.#room.configuration.bindingGrace * 1000;
    for (const { context, request } of this.#contexts.unfinished()) {
      for (const { phone } of flow.carried) {
        if (this.#room.sockets.newestTo(phone) === undefined) this.#contexts.save(phoneLost(context, phone, until), request, now);
      }
    }
  }

  /** Ends what is over, sends again what the caller's home has not taken, and sets the alarm for what is left. */
  passDeadlines(now: number): void {
    for (const letter of this.#letters.expire(now)) this.#lost(letter);
    for (const open of this.#contexts.unfinished()) {
      const { owed, collect, transaction } = open.context;
      // Whom it was owed to has long given up.
      if (owed !== undefined && collect <= now) this.#contexts.forget(transaction);
      else if (owed !== undefined) this.#payOwed(open, now);
      else {
        this.#inquire(open);
        const since = (branch: ForkedBranch) => this.#contexts.proceedingSince(open.context.transaction, branch);
        this.#carryOut(open, passDeadlines(open.context, now, this.#room.timers, since), now);
      }
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

  #targets(envelope: RequestEnvelope, now: number): ReachableTarget[] {
    if (envelope.to.kind !== "address") return [];
    const known = this.#registrar.current(now);
    const callingPhone = envelope.answerTo.home === this.#by.home ? envelope.answerTo.phone : undefined;
    const targets = targetSet(
      known.map(({ binding }) => binding),
      envelope.to,
      callingPhone,
    );
    return targets.map((target) => ({ ...target, host: this.#room.sockets.newestTo(target.phone)?.host }));
  }

  #fork(envelope: RequestEnvelope, request: Request, targets: readonly ReachableTarget[], now: number): Receipt {
    const until = now + this.#room.configuration.bindingGrace * 1000;
    const { context, effects } = openContext(envelope, request.method, targets, { now, until, timers: this.#room.timers });
    const open = { context, request };
    this.#contexts.insert(open, now);
    this.#act(open, effects, now);
    return taken;
  }

  /** One target of a non-INVITE: nothing is kept of it. */
  #toTarget(envelope: RequestEnvelope, request: Request, essentials: Essentials, target: ReachableTarget, now: number): Receipt {
    const { phone, contact, host, path } = target;
    if (host !== undefined) {
      const sent = statelessRequest(this.#by, envelope, request, essentials, { phone, contact, host, path });
      if (this.#sendLetter(phone, sent, envelope, now)) return taken;
    }
    return this.#waitFor(phone, envelope, request, now);
  }

  /** Within a dialog: to the newest socket of the phone that the route token names (RFC 5626 §5.3). */
  #toPhone(envelope: RequestEnvelope, request: Request, essentials: Essentials, now: number): Receipt {
    const phone = envelope.to.kind === "phone" ? envelope.to.phone : "";
    const flow = this.#room.sockets.newestTo(phone);
    if (flow !== undefined) {
      const target = { phone, host: flow.host, contact: contactForGruu(request, flow, phone), path: [] };
      const sent = statelessRequest(this.#by, envelope, request, essentials, target);
      if (this.#sendLetter(phone, sent, envelope, now)) return taken;
    }
    return this.#waitFor(phone, envelope, request, now);
  }

  /**
   * The phone is away: within the grace its request waits for it, but not so long that the sender has given up (RFC 4320 §4.1);
   * for a phone that is not expected back, RFC 5626 §5.3 knows 430, which goes up as 480.
   */
  #waitFor(phone: string, envelope: RequestEnvelope, request: Request, now: number): Receipt {
    const isExpected = this.#registrar.current(now).some(({ binding }) => binding.phone === phone);
    if (!isExpected) return request.method === "ACK" ? taken : answered(request, 480);
    const { bindingGrace, transactionTimeout } = this.#room.configuration;
    this.#letters.keep(phone, envelope, now + Math.min(bindingGrace, transactionTimeout * 0.75) * 1000);
    return taken;
  }

  /** What waited for a phone that is back. */
  #handOver(phone: string, now: number): void {
    for (const letter of this.#letters.for(phone, now)) {
      if (letter.kind !== "request") continue;
      const { request, essentials } = read(letter);
      if (letter.to.kind === "phone") this.#toPhone(letter, request, essentials, now);
      else
        for (const target of this.#targets(letter, now))
          if (target.phone === phone) this.#toTarget(letter, request, essentials, target, now);
    }
  }

  /** A letter that has reached nobody: its sender is told. */
  #lost(letter: Letter): void {
    if (letter.kind !== "request") return;
    const { request } = read(letter);
    if (request.method === "ACK") return;
    const { binary, answerTo: to } = letter;
    const text = replyTo(request, 480, { toTag: randomText() });
    this.#post({ kind: "response", text, binary, status: 480, to, transaction: undefined });
  }

  /** The caller's home is asked whether anybody still waits: if it has lost its notes, nobody else would stop the ringing. */
  #inquire({ context, request }: OpenContext): void {
    if (context.final !== 0 || context.cancelled !== undefined || context.method !== "INVITE") return;
    const { transaction, answerTo: caller } = context;
    const inquiry: InquiryEnvelope = { kind: "inquiry", transaction, home: this.#by.home, caller, isForgetful: forgetsCalls(request) };
    this.#passOn(caller.home, inquiry).catch((error: unknown) => this.#undelivered(error, () => undefined));
  }

  #send(phone: string, text: string, binary: boolean, now: number): boolean {
    const flow = this.#room.sockets.newestTo(phone);
    if (flow === undefined || !this.#room.sockets.send(flow.id, { text, binary })) return false;
    this.#room.log.passed(now, flow.id, text);
    return true;
  }

  /** The same, remembered until the phone has answered. */
  #sendLetter(phone: string, { text, branch }: StatelessRequest, envelope: RequestEnvelope, now: number): boolean {
    if (!this.#send(phone, text, envelope.binary, now)) return false;
    this.#letters.sent(branch, phone, envelope, now);
    return true;
  }

  /** Saves the decision, then does what it asks. */
  #carryOut(open: OpenContext, decision: Decision, now: number): void {
    const last = decision.effects.find((effect) => effect.kind === "answer" && effect.status >= 200);
    const isFirst = open.context.final === 0 && open.context.owed === undefined;
    const context = !isFirst ? decision.context : last?.kind === "answer" ? owing(decision.context, open.request, last) : decision.context;
    this.#contexts.save(context, open.request, now);
    this.#act({ context, request: open.request }, decision.effects, now);
  }

  #act(open: OpenContext, effects: readonly Effect[], now: number): void {
    for (const effect of effects) {
      if (effect.kind === "answer") this.#answer(open, effect, now);
      else {
        const branch = open.context.branches[effect.branch];
        if (branch === undefined) continue;
        if (effect.kind === "forward") this.#send(branch.phone, this.#asSent(open, branch), open.request.binary, now);
        else this.#cancelBranch(open, branch, effect, now);
      }
    }
  }

  #answer(open: OpenContext, effect: Effect & { kind: "answer" }, now: number): void {
    if (open.context.owed?.text === effect.text || effect.status >= 300) return this.#payOwed(open, now);
    this.#post(letter(open, effect.status, effect.text ?? ""));
  }

  /** The final response is kept until the caller's home has it. */
  #payOwed(open: OpenContext, now: number): void {
    const { owed, transaction } = open.context;
    if (owed === undefined) return;
    this.#passOn(open.context.answerTo.home, letter(open, owed.status, owed.text)).then(
      () => this.#paid(transaction, now),
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
    if (open.context.final < 300 && open.context.method === "INVITE") this.#contexts.settle(open);
    else if (!owesCancel(open.context)) this.#contexts.forget(transaction);
    else this.#contexts.save({ ...open.context, owed: undefined }, open.request, now);
  }

  #post(envelope: ResponseEnvelope): void {
    this.#passOn(envelope.to.home, envelope).catch((error: unknown) => this.#undelivered(error, () => undefined));
  }

  /** The caller's home cannot be reached; what must not be lost is in a row. */
  #undelivered(error: unknown, then: () => void): void {
    if (!(error instanceof Undeliverable)) throw error;
    this.#room.log.note(Date.now(), "-", error.message);
    then();
  }

  #cancelBranch(open: OpenContext, branch: ForkedBranch, { reason, isOverdue }: Effect & { kind: "cancel" }, now: number): void {
    if (isOverdue !== true && this.#contexts.proceedingSince(open.context.transaction, branch) === undefined) return;
    const text = cancelFor(this.#sentRequest(open, branch), reason === undefined ? [] : [["Reason", reason]]);
    this.#send(branch.phone, text, open.request.binary, now);
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

  /** RFC 3261 §9.1, §16.8: that a provisional response has come decides on CANCEL and Timer C. */
  #noteProceeding(flow: Flow, branch: string, status: number, now: number): void {
    const others = this.#room.sockets.byId(flow.id)?.proceeding.filter((one) => one.branch !== branch) ?? [];
    const proceeding = status < 200 ? [...others, { branch, at: now }] : others;
    this.#room.sockets.update(flow.id, { proceeding: proceeding.slice(-64) });
  }
}

/** A response of a context, addressed to where its request came from. */
function letter({ context, request }: OpenContext, status: number, text: string): ResponseEnvelope {
  const { answerTo: to, method, transaction } = context;
  return { kind: "response", text, binary: request.binary, status, to, transaction: method === "INVITE" ? transaction : undefined };
}

function answered(request: Request, status: number): Receipt {
  return { kind: "answered", status, text: replyTo(request, status, { toTag: randomText() }) };
}

/** The final response is kept until the caller's home has it (RFC 3261 §16.7 steps 6 and 7). */
function owing(context: ResponseContext, request: Request, effect: Effect & { kind: "answer" }): ResponseContext {
  return { ...context, owed: { status: effect.status, text: finalResponse(request, effect, randomText()) } };
}

/** After the route is popped, a GRUU in the Request-URI becomes the phone's contact; anything else stays (DESIGN §3). */
function contactForGruu(request: Request, flow: Flow, phone: string): string | undefined {
  const uri = parseUri(request.requestUri);
  if (isFault(uri) || uri.kind !== "sip" || parameter(uri.parameters, "gr") === undefined) return undefined;
  return flow.carried.find((carried) => carried.phone === phone)?.contact;
}
