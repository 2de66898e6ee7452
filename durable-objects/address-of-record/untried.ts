/** Milliseconds after which a caller is told that his INVITE has come, though it has not reached the callee's home yet (RFC 3261 §17.2.1). */
const pauseBeforeTrying = 150;

/** The INVITEs that have had no response yet, not even 100. */
export class Untried {
  /** What is to be said to each, by its transaction, the oldest first. */
  readonly #waiting = new Map<string, { readonly due: number; readonly trying: () => void }>();
  #isClockSet = false;

  /** @param trying what is done if no response has come by then */
  add(transaction: string, now: number, trying: () => void): void {
    this.#waiting.set(transaction, { due: now + pauseBeforeTrying, trying });
    this.#setClock(pauseBeforeTrying);
  }

  /** A response goes to the caller; whether it is the first. */
  remove(transaction: string): boolean {
    return this.#waiting.delete(transaction);
  }

  /** One clock for all: most have had a response long before it strikes. */
  #setClock(delay: number): void {
    if (this.#isClockSet) return;
    this.#isClockSet = true;
    setTimeout(() => {
      this.#isClockSet = false;
      const now = Date.now();
      for (const { due, trying } of [...this.#waiting.values()]) {
        if (due > now) return this.#setClock(due - now);
        trying();
      }
    }, delay);
  }
}
