/**
 * Keeps the order of what arrives on one socket: the platform starts handlers in order, but they interleave wherever one waits.
 * A task that does not wait runs at once.
 */
export class Queues {
  readonly #tails = new Map<string, Promise<void>>();

  run(name: string, task: () => void | Promise<void>): void | Promise<void> {
    const before = this.#tails.get(name);
    const result = before === undefined ? task() : before.then(task);
    if (result === undefined) return;
    const tail = result.finally(() => {
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    });
    this.#tails.set(name, tail);
    return tail;
  }
}
