import { begunCall, recordPlace } from "../../lib/proxy/call-record/call-record.ts";
import { begunCallView } from "../../lib/proxy/call-record/record-view.ts";
import type { Effect } from "../../lib/proxy/response-context/context.ts";
import type { TransactionId } from "../../lib/transport/identifiers.ts";
import { type Contexts, type OpenContext, wasForwarded } from "./contexts.ts";
import type { Room } from "./room.ts";

type CallEventType = "call.started" | "call.ringing" | "call.answered";

/** Calls that are known to ring. A repeated event has the same id. */
const maxRinging = 100;

/** Tells web hooks of calls that have begun, that ring, and that are answered; their ends are told with their records. */
export class CallEvents {
  readonly #room: Room;
  readonly #contexts: Contexts;
  readonly #ringing = new Set<TransactionId>();

  constructor(room: Room, contexts: Contexts) {
    this.#room = room;
    this.#contexts = contexts;
  }

  began(open: OpenContext, now: number): void {
    this.#announce("call.started", open, now);
  }

  /** Responses go to the caller. @param isConcluded the final one is among them */
  answers({ context, request }: OpenContext, effects: readonly Effect[], isConcluded: boolean, now: number): void {
    const { transaction, final } = context;
    const rings = effects.some((effect) => effect.kind === "answer" && (effect.status === 180 || effect.status === 183));
    if (rings && !this.#ringing.has(transaction)) {
      this.#ringing.add(transaction);
      this.#announce("call.ringing", { context, request }, now);
    }
    if (isConcluded && final < 300) this.#announce("call.answered", { context, request }, now);
    if (isConcluded) this.#ringing.delete(transaction);
    const [oldest] = this.#ringing;
    if (this.#ringing.size > maxRinging && oldest !== undefined) this.#ringing.delete(oldest);
  }

  #announce(type: CallEventType, { context, request }: OpenContext, now: number): void {
    const { transaction } = context;
    const notes = this.#contexts.notesOf(transaction);
    if (notes === undefined || wasForwarded(context)) return;
    const { home, announcer } = this.#room;
    const { id, domains } = recordPlace(transaction, notes, home.domain);
    const data = (domain: string) => begunCallView(begunCall(transaction, notes, request, home.domain), domain);
    announcer.announceTo(domains, { id: `${id}-${type.slice("call.".length)}`, type, at: now, data });
  }
}
