/** Keeps the order of the messages of each call. */
export class SessionOrder {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs a task when those before it, of the same call, are done. */
  run<Result>(callId: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(callId);
    const result = before === undefined ? task() : before.then(task, task);
    const tail: Promise<void> = result.then(
      () => this.#done(callId, tail),
      () => this.#done(callId, tail),
    );
    this.#tails.set(callId, tail);
    return result;
  }

  #done(callId: string, tail: Promise<unknown>): void {
    if (this.#tails.get(callId) === tail) this.#tails.delete(callId);
  }
}
