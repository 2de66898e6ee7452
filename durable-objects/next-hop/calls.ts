import type { Trunk } from "../../lib/routing/trunk.ts";

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
 * for a time only. In memory alone, since they are bound to the connection. Every `now` is in milliseconds.
 */
export class Calls {
  readonly #patience: CallPatience;
  readonly #calls = new Map<string, Call>();

  constructor(patience: CallPatience) {
    this.#patience = patience;
  }

  /** An INVITE without a To tag has gone by. */
  begin(callId: string, now: number): void {
    if (!this.#calls.has(callId)) this.#calls.set(callId, { isAnswered: false, until: now + this.#patience.transaction + headStart });
  }

  /** A provisional response: from now on Timer C is what ends it, and then the wait for an answer to the CANCEL (RFC 3261 §9.1). */
  rings(callId: string, now: number): void {
    const call = this.#calls.get(callId);
    if (call?.isAnswered !== false) return;
    const { ringing, transaction } = this.#patience;
    this.#calls.set(callId, { isAnswered: false, until: now + ringing + transaction + headStart });
  }

  /** A 2xx, or a request within the dialog: also of a call that began before our memory was lost. */
  talks(callId: string, now: number): void {
    this.#calls.set(callId, { isAnswered: true, until: now + longestSilence });
  }

  /** A final refusal ends a call that nobody has answered; a re-INVITE may be refused, and the call goes on (RFC 3261 §14.1). */
  refused(callId: string): void {
    if (this.#calls.get(callId)?.isAnswered === false) this.#calls.delete(callId);
  }

  ended(callId: string): void {
    this.#calls.delete(callId);
  }

  clear(): void {
    this.#calls.clear();
  }

  has(callId: string): boolean {
    return this.#calls.has(callId);
  }

  count(now: number): number {
    for (const [callId, { until }] of this.#calls) if (until <= now) this.#calls.delete(callId);
    return this.#calls.size;
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
