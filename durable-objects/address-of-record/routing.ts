import { hasLooped } from "../../lib/proxy/loop-detection.ts";
import { incomingCall } from "../../lib/proxy/incoming-call.ts";
import { noteEvents } from "../../lib/proxy/call-record/call-notes.ts";
import { readRequestDisposition } from "../../lib/proxy/request-disposition.ts";
import { planQuestion } from "../../lib/proxy/response-context/determine-targets.ts";
import { answerRouted, isAsking, routeTo, withoutRouter } from "../../lib/proxy/response-context/routed.ts";
import { type RouterPlan, namesTrunk, planOfRouter } from "../../lib/proxy/router-plan.ts";
import type { Decision } from "../../lib/routing/routing.ts";
import { type Alterations, alter } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { legible, toOctets } from "../../lib/syntax/octets.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { type Receipt, type RequestEnvelope, accepted, cameAt } from "../../lib/transport/envelope.ts";
import type { HomeName, TransactionId } from "../../lib/transport/identifiers.ts";
import type { RoutedCall, RouterQuestion } from "../../lib/transport/routed-call.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { parsed, read } from "../shared/reparse.ts";
import { InvalidDecision } from "../../platform/router/decision.ts";
import { answerFault, answered } from "../shared/reply.ts";
import { targetWithoutRouter } from "../shared/without-router.ts";
import type { Contexts, OpenContext } from "./contexts.ts";
import type { Forking } from "./forking.ts";
import type { Part } from "./part.ts";
import type { Room } from "./room.ts";

/** Milliseconds until the target of a call is looked for again. */
const retryAfter = 2000;

/** A decision that can be carried out, or why there is none; and how many milliseconds that took. */
interface Routed {
  readonly plan: Exclude<RouterPlan, { kind: "unfit" }> | undefined;
  readonly action: string;
  readonly why?: string;
  readonly milliseconds: number;
  /** There was a decision, but not a valid one: the call does not leave the server. */
  readonly isInvalid?: boolean;
  /** The address of the called user, if it is known. */
  readonly callee?: string | undefined;
}

/**
 * The calls of a domain whose router decides where they go. A call is saved before the router is asked, and a call that was saved is never
 * asked about again: if the answer is lost with the memory, the domain's fallback applies.
 */
export class Routing implements Part {
  readonly #room: Room;
  readonly #contexts: Contexts;
  readonly #forking: Forking;
  /** Calls whose target is being looked for. */
  readonly #continuing = new Set<TransactionId>();

  constructor(room: Room, contexts: Contexts, forking: Forking) {
    this.#room = room;
    this.#contexts = contexts;
    this.#forking = forking;
  }

  /** A new call, or a repetition. */
  request(envelope: RequestEnvelope, routed: RoutedCall, now: number): Receipt {
    if (this.#forking.has(envelope.transaction)) return accepted;
    const { request, mandatory } = read(envelope);
    const { home } = this.#room;
    const hasComeBack = envelope.forwardingTrail?.includes(trailMark(home.name, request)) === true;
    if (hasComeBack || hasLooped(home, request, mandatory)) return answered(request, 482, "it has come back to where it was before");
    const { groupTime, recursesOnRedirect: recurses } = this.#room.configuration;
    const settings = { groupTime: groupTime * 1000, recurses };
    const asks: RouterQuestion = { ...routed, until: now + routed.timeout };
    const plan = planQuestion({ envelope, disposition: readRequestDisposition(request), settings, now }, asks);
    const receipt = this.#forking.open(envelope, request, plan, now, false);
    if (receipt.kind === "taken")
      this.#ask(envelope, request, asks, now).catch((error: unknown) => this.#failed(envelope.transaction, error));
    return receipt;
  }

  /** Questions whose answer was lost, and targets that could not be looked up. */
  onAlarm(now: number): void {
    for (const open of this.#contexts.unfinished()) {
      const { asks } = open.context;
      if (asks === undefined || !isAsking(open.context) || asks.until > now) continue;
      if (asks.isDecided === true) this.#continue(open, now);
      else this.#decided(open, withoutAnswer(asks, `no decision in ${asks.timeout} ms`, now - asks.until + asks.timeout), now);
    }
  }

  async #ask(envelope: RequestEnvelope, request: Request, asks: RouterQuestion, started: number): Promise<void> {
    const routed = await this.#answerOf(envelope, request, asks, started).catch((error: unknown) =>
      withoutAnswer(asks, whyOf(error), Date.now() - started, error instanceof InvalidDecision),
    );
    const open = this.#contexts.find(envelope.transaction);
    if (open !== undefined) this.#decided(open, routed, Date.now());
  }

  /** @throws Error with the reason if there is no decision, or one that cannot be carried out */
  async #answerOf(envelope: RequestEnvelope, request: Request, asks: RouterQuestion, started: number): Promise<Routed> {
    const { directory, home, askRouter } = this.#room;
    const { domain } = home;
    // It brings the router along, and is nearly always in memory.
    await directory.routes(domain);
    const router = directory.routerOf(domain);
    const { transaction, identity, answerTo, caller = answerTo, verification } = envelope;
    const call = { transaction, domain, home: caller.home, identity, routed: asks, verification, started: cameAt(envelope, started) };
    const asked = incomingCall(request, call);
    const decision: Decision = router === undefined ? { action: "continue" } : await askRouter(router, asked);
    const milliseconds = Date.now() - started;
    const trunks = namesTrunk(decision) ? await directory.trunks(domain) : [];
    const plan = planOfRouter(decision, { domain, trunks, requestUri: request.requestUri, isOutside: asked.caller_kind !== "user" });
    if (plan.kind === "unfit") throw new InvalidDecision(plan.why);
    const callee = plan.kind === "continue" ? undefined : await this.#calleeOf(asks, decision);
    return { plan, action: decision.action, milliseconds, callee };
  }

  /** The user who was dialled, or else the first one that is to ring: it is that user's call too. */
  async #calleeOf({ dialled }: RouterQuestion, decision: Decision): Promise<string | undefined> {
    const { directory, home } = this.#room;
    const targets =
      decision.action === "ring"
        ? decision.targets.flatMap(({ to, trunk }) => (to === undefined || trunk !== undefined ? [] : [canonicalUser(toOctets(to))]))
        : [];
    for (const user of [dialled, ...targets.slice(0, 1)]) {
      const answer = await directory.find(user, home.domain);
      if (answer.kind === "subscriber") return `${answer.subscriber.username}@${home.domain}`;
    }
    return undefined;
  }

  /** Saved, and then carried out; a call that has been given up stays so. */
  #decided(open: OpenContext, routed: Routed, now: number): void {
    const { context, request } = open;
    const { asks, transaction } = context;
    if (asks === undefined || asks.isDecided === true || !isAsking(context)) return;
    const { plan, action, milliseconds, callee, isInvalid = false } = routed;
    const why = routed.why === undefined ? undefined : legible(routed.why, maxWhy);
    const { domain } = this.#room.home;
    this.#room.log.note(
      now,
      "-",
      `the router of ${domain}: ${action} after ${milliseconds} ms${why === undefined ? "" : ` (fallback: ${why})`}`,
    );
    const notes = this.#contexts.notesOf(transaction);
    const event = { at: now, event: "routed", action, milliseconds, ...(why === undefined ? {} : { why }) } as const;
    if (notes !== undefined)
      this.#contexts.note(transaction, { ...noteEvents(notes, [event]), ...(callee === undefined ? {} : { callee }) });
    if (plan === undefined) return this.#refuse(open, undecided, now, `${undecided.fault}: ${why ?? ""}`);
    if (plan.kind === "answer") return this.#answer(open, plan, now);
    const altered = withHeaders(request, plan.headers);
    if (plan.kind === "ring") return this.#forking.routed({ context, request: altered }, routeTo(context, plan.targets, now), now);
    this.#continue({ context, request: altered }, now, isInvalid);
  }

  #answer(open: OpenContext, { status, reason, contacts }: RouterPlan & { kind: "answer" }, now: number): void {
    const headers = contacts.map((uri) => ["Contact", `<${uri}>`] as const);
    const text = replyTo(open.request, status, { toTag: randomText(), headers, ...(reason === undefined ? {} : { reason }) });
    const why = status < 400 ? "redirected by the router of the domain" : "refused by the router of the domain";
    this.#forking.routed(open, answerRouted(open.context, { status, text, why }, now, this.#room.timers), now);
  }

  /** @param why for the administrator; callers learn only the text of the fault */
  #refuse(open: OpenContext, refusal: Fault, now: number, why: string = refusal.fault): void {
    const { status } = refusal;
    const answer = { status, text: answerFault(open.request, refusal), why };
    this.#forking.routed(open, answerRouted(open.context, answer, now, this.#room.timers), now);
  }

  /** As without a router. That this is decided is saved before the target is looked for. */
  #continue({ context, request }: OpenContext, now: number, isOnlyForUsers = context.asks?.isOnlyForUsers === true): void {
    const { transaction } = context;
    if (context.asks === undefined) return;
    this.#contexts.save(withoutRouter(context, now + retryAfter, isOnlyForUsers), request, now);
    if (this.#continuing.has(transaction)) return;
    this.#continuing.add(transaction);
    void targetWithoutRouter(this.#room, context.asks, request.requestUri, this.#room.home.domain)
      .then((target) => this.#found(transaction, target, Date.now()))
      .catch((error: unknown) => this.#failed(transaction, error))
      .finally(() => this.#continuing.delete(transaction));
  }

  /** A fault of ours: the caller has an answer, and the log the reason. */
  #failed(transaction: TransactionId, error: unknown): void {
    const now = Date.now();
    const why = legible(whyOf(error), maxWhy);
    this.#room.log.note(now, "-", `a call could not be routed: ${why}`);
    const open = this.#contexts.find(transaction);
    if (open !== undefined && isAsking(open.context)) this.#refuse(open, failed, now, `${failed.fault}: ${why}`);
  }

  #found(transaction: TransactionId, target: Awaited<ReturnType<typeof targetWithoutRouter>>, now: number): void {
    const open = this.#contexts.find(transaction);
    if (open === undefined || !isAsking(open.context)) return;
    if (isFault(target)) return this.#refuse(open, target, now);
    const leaves = target.kind === "redirect" || target.callee === undefined;
    if (leaves && open.context.asks?.isOnlyForUsers === true) return this.#refuse(open, invalid, now);
    if (target.kind === "redirect") return this.#answer(open, { kind: "answer", status: target.status, contacts: [target.uri] }, now);
    const notes = target.callee === undefined ? undefined : this.#contexts.notesOf(transaction);
    if (notes !== undefined && target.callee !== undefined) this.#contexts.note(transaction, { ...notes, callee: target.callee });
    this.#forking.routed(open, routeTo(open.context, [target.target], now), now);
  }
}

/** Characters. */
const maxWhy = 200;

const undecided = fault(480, "the router of the domain has not decided");
const invalid = fault(500, "the decision of the domain's router is not valid");
const failed = fault(500, "the call cannot be routed now");

/** The domain's fallback: as without a router, or a refusal. */
function withoutAnswer({ fallback }: RouterQuestion, why: string, milliseconds: number, isInvalid = false): Routed {
  const plan = fallback === "continue" ? ({ kind: "continue", headers: {} } as const) : undefined;
  return { plan, action: fallback, why, milliseconds, isInvalid };
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How the forwarding trail names a home and the address that it has forwarded. */
function trailMark(home: HomeName, { requestUri }: Request): string {
  return `${home} ${requestUri}`;
}

function withHeaders(request: Request, headers: Alterations): Request {
  return headers.append === undefined ? request : parsed(alter(request, headers));
}
