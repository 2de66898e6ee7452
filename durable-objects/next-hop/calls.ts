import type { Trunk } from "../../lib/routing/trunk.ts";
import type { Essentials } from "../../lib/syntax/essentials.ts";

interface Call {
  readonly isAnswered: boolean;
  /** Milliseconds: when it counts no more, should nothing else be heard of it. */
  readonly until: number;
}

/** Milliseconds. */
export interface CallPatience {
  /** Timer B. */
  readonly transaction: number;
  /** Timer C. */
  readonly ringing: number;
}

/** Milliseconds that the timers of the home that sent a call are ahead: it is the one that ends it. */
const headStart = 5000;

/** Milliseconds after which an answered call that was never ended, and in which nobody has said anything, counts no more. */
const longestSilence = 24 * 3600_000;

/**
 * The calls on a connection, by Call-ID: it stays open for them. What ends a call may never come (no response, no BYE), so each counts
 * for a time only. In memory alone. Every `now` is in milliseconds.
 */
export class Calls {
  readonly #patience: CallPatience;
  readonly #calls = new Map<string, Call>();

  constructor(patience: CallPatience) {
    this.#patience = patience;
  }

  /** A request has gone by: INVITE begins a call, BYE ends it, and what only a call has shows that it goes on (RFC 3261 §13, §14; RFC 3311). */
  passed(method: string, { callId, toTag }: Pick<Essentials, "callId" | "toTag">, now: number): void {
    if (method === "BYE") this.#calls.delete(callId);
    else if (toTag === undefined) {
      if (method === "INVITE" && !this.#calls.has(callId))
        this.#calls.set(callId, { isAnswered: false, until: now + this.#patience.transaction + headStart });
    } else if (method === "INVITE" || method === "ACK" || method === "UPDATE") this.#talks(callId, now);
  }

  /** A response has gone by. A refusal ends a call that nobody has answered; a re-INVITE may be refused, and the call goes on (RFC 3261 §14.1). */
  answered(status: number, { callId, cseq }: Pick<Essentials, "callId" | "cseq">, now: number): void {
    if (cseq.method !== "INVITE") return;
    if (status >= 200 && status < 300) return this.#talks(callId, now);
    if (this.#calls.get(callId)?.isAnswered !== false) return;
    if (status >= 300) this.#calls.delete(callId);
    // Timer C, and then the wait for an answer to the CANCEL (RFC 3261 §9.1).
    const { ringing, transaction } = this.#patience;
    if (status < 200) this.#calls.set(callId, { isAnswered: false, until: now + ringing + transaction + headStart });
  }

  /** The connection is gone, and with it those that nobody has answered; the others go on by the next one (RFC 3261 §12.2.1). */
  lost(): void {
    for (const [callId, { isAnswered }] of this.#calls) if (!isAnswered) this.#calls.delete(callId);
  }

  has(callId: string): boolean {
    return this.#calls.has(callId);
  }

  count(now: number): number {
    for (const [callId, { until }] of this.#calls) if (until <= now) this.#calls.delete(callId);
    return this.#calls.size;
  }

  #talks(callId: string, now: number): void {
    this.#calls.set(callId, { isAnswered: true, until: now + longestSilence });
  }

  /** When the last of them counts no more; 0 if there is none. */
  until(): number {
    return Math.max(0, ...[...this.#calls.values()].map(({ until }) => until));
  }
}

/** Whether a trunk takes no further call over this connection. */
export function isFull({ maximum_calls }: Trunk, calls: Calls): boolean {
  return maximum_calls > 0 && calls.count(Date.now()) >= maximum_calls;
}
