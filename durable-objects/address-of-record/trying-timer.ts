import { OneShotTimer } from "../../platform/one-shot-timer.ts";

/** Milliseconds after which a caller is told that his INVITE has come, though it has not reached the callee's home yet (RFC 3261 §17.2.1). */
const pauseBeforeTrying = 150;

/** The INVITEs that have had no response yet, not even 100. */
export class TryingTimer {
  /** What is to be said to each, by its transaction, the oldest first. */
  readonly #waiting = new Map<string, { readonly due: number; readonly trying: () => void }>();
  /** One for all: most have had a response long before it strikes. */
  readonly #clock = new OneShotTimer(() => this.#strike());

  /** @param trying what is done if no response has come by then */
  add(transaction: string, now: number, trying: () => void): void {
    this.#waiting.set(transaction, { due: now + pauseBeforeTrying, trying });
    this.#clock.within(pauseBeforeTrying, now);
  }

  /** A response goes to the caller; whether it is the first. */
  remove(transaction: string): boolean {
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
