import type { TransactionId } from "../../lib/transport/identifiers.ts";
import { OneShotTimer } from "../../platform/one-shot-timer.ts";

/** Milliseconds until a caller gets a 100 if its INVITE has not reached the callee's home yet (RFC 3261 §17.2.1). */
const pauseBeforeTrying = 150;

/** The INVITEs that have had no response yet, not even 100. */
export class TryingTimer {
  /** The action for each, by its transaction, the oldest first. */
  readonly #waiting = new Map<string, { readonly due: number; readonly trying: () => void }>();
  /** One timer for all: most have had a response long before it fires. */
  readonly #clock = new OneShotTimer(() => this.#strike());

  /** @param trying called if no response has come by then */
  add(transaction: TransactionId, now: number, trying: () => void): void {
    this.#waiting.set(transaction, { due: now + pauseBeforeTrying, trying });
    this.#clock.within(pauseBeforeTrying, now);
  }

  /** A response goes to the caller; returns whether it is the first. */
  remove(transaction: TransactionId): boolean {
    return this.#waiting.delete(transaction);
  }

  #strike(): void {
    const now = Date.now();
    for (const { due, trying } of [...this.#waiting.values()]) {
      if (due > now) return this.#clock.within(due - now, now);
      trying();
    }
  }
}
