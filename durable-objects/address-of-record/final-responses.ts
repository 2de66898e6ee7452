import { isFromPhone } from "../../lib/transport/return-address.ts";
import type { TransactionId } from "../../lib/transport/identifiers.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { finalResponse } from "../../lib/proxy/final-response.ts";
import { type Effect, type ResponseContext, owesCancel } from "../../lib/proxy/response-context/context.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { Undeliverable } from "../../platform/outbox.ts";
import { randomText } from "../../platform/crypto/random.ts";
import type { Room } from "./room.ts";
import type { Contexts, OpenContext } from "./contexts.ts";
import type { PassOn } from "./pass-on.ts";

/** The final responses of response contexts: each is unconfirmed until the caller's home has it (RFC 3261 §16.7 steps 6 to 9). */
export class FinalResponses {
  readonly #room: Room;
  readonly #contexts: Contexts;
  readonly #passOn: PassOn;

  constructor(room: Room, contexts: Contexts, passOn: PassOn) {
    this.#room = room;
    this.#contexts = contexts;
    this.#passOn = passOn;
  }

  give(open: OpenContext, effect: Effect & { kind: "answer" }, now: number): void {
    this.#log(open, effect, now);
    if (effect.status >= 300 || open.context.unconfirmed?.text === effect.text) return this.deliver(open, now);
    const envelope = message(open, effect.status, effect.text ?? "");
    this.#passOn(envelope.to.home, envelope).catch((error: unknown) => this.undelivered(error, () => undefined));
  }

  /**
   * Homes log the responses for their own phones; the end of a call of another server is logged here. The last messages of a failed call
   * are stored in both homes.
   */
  #log({ context, request }: OpenContext, { status, text }: Effect & { kind: "answer" }, now: number): void {
    const { answerTo, search } = context;
    const final = context.unconfirmed?.text ?? text ?? "";
    const why = context.unconfirmed?.why;
    if (isHopName(answerTo.home)) this.#room.log.concluded(now, "-", status, final, undefined, why);
    if (status < 300) return;
    const isOwn = answerTo.home === this.#room.home.name && isFromPhone(answerTo);
    const flow = isOwn ? answerTo.flow : "-";
    const [since, invite] = [sentAt(context), { text: request.text, flow }];
    const end = isOwn ? ({ side: "caller" } as const) : ({ side: "callee", caller: (search?.caller ?? answerTo).home } as const);
    this.#room.failed.keep(now, { ...end, final, flow, invite, since, why });
  }

  /** The final response is kept until the caller's home has it. */
  deliver(open: OpenContext, now: number): void {
    const { unconfirmed, transaction, answerTo, method } = open.context;
    if (unconfirmed === undefined) return;
    // For a refused INVITE of one of this home's own phones there is no receipt but the ACK.
    const isOwn = answerTo.home === this.#room.home.name && isFromPhone(answerTo) && unconfirmed.status >= 300 && method === "INVITE";
    this.#passOn(answerTo.home, message(open, unconfirmed.status, unconfirmed.text)).then(
      () => (isOwn ? undefined : this.confirmed(transaction, now)),
      (error: unknown) => this.undelivered(error, () => this.#contexts.schedule(open.context, now)),
    );
  }

  /**
   * The caller's home has its final response. After a refusal the call is deleted here, unless a phone that is away still has to get its
   * CANCEL; after a 2xx the context stays for what the phones may still send (RFC 6026 §7.2).
   */
  confirmed(transaction: TransactionId, now: number): void {
    const open = this.#contexts.find(transaction);
    if (open === undefined) return;
    if (open.context.final < 300 && open.context.method === "INVITE") this.#contexts.settle(open, now);
    else this.leave(open, now);
  }

  /** Only the CANCELs for phones that are away are left of a call. */
  leave({ context, request }: OpenContext, now: number): void {
    if (owesCancel(context)) this.#contexts.save({ ...context, unconfirmed: undefined }, request, now);
    else this.#contexts.forget(context.transaction);
  }

  /** The caller's home cannot be reached; a response that must not be lost is in a row. */
  undelivered(error: unknown, then: () => void): void {
    if (!(error instanceof Undeliverable)) throw error;
    this.#room.log.note(Date.now(), "-", error.message);
    then();
  }
}

/** For the administrator: why a call was refused, if neither a phone nor the caller ended it. */
function ownReason({ branches, cancelled, final, search }: ResponseContext, text: string | undefined): string | undefined {
  const isStopped = branches.some((branch) => branch.final === 487 && branch.cancelled !== 0);
  if (cancelled !== undefined || (text !== undefined && !(final === 487 && isStopped))) return undefined;
  if (isStopped || branches.some((branch) => branch.final === 408)) return "no answer in time";
  if (branches.some(({ retarget }) => retarget?.cause === "route")) return "the other server could not be reached";
  if (branches.some(({ retarget }) => retarget?.cause === "router")) return "nothing that the router has named could be reached";
  return search?.isClosed === true
    ? "the address that the call was forwarded to could not be reached"
    : "no phone of this user could be reached";
}

/** Milliseconds: when the first phone, or address, was tried; undefined if none was. */
function sentAt({ branches }: ResponseContext): number | undefined {
  const times = branches.map(({ sent }) => sent).filter((sent) => sent > 0);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** A response of a context, addressed to the sender of its request. */
function message({ context }: OpenContext, status: number, text: string): ResponseEnvelope {
  const { answerTo: to, method, transaction, unconfirmed } = context;
  const why = status < 300 || unconfirmed?.why === undefined ? {} : { why: unconfirmed.why };
  return { kind: "response", text, status, to, ...why, transaction: method === "INVITE" ? transaction : undefined };
}

/** The final response is kept until the caller's home has it (RFC 3261 §16.7 steps 6 and 7). */
export function unconfirmedResponses(context: ResponseContext, request: Request, effect: Effect & { kind: "answer" }): ResponseContext {
  const why = effect.status < 300 ? undefined : (effect.why ?? ownReason(context, effect.text));
  const text = finalResponse(request, effect, randomText());
  return { ...context, unconfirmed: { status: effect.status, text, ...(why === undefined ? {} : { why }) } };
}
