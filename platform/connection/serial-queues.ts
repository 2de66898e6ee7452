interface Queue {
  tail: Promise<void>;
  waiting: number;
  octets: number;
}

/** Maximum of tasks that wait on one socket. */
const maxWaiting = 200;
const maxOctets = 1_048_576;

/**
 * Keeps the order of the messages of one socket: the platform starts handlers in order, but they interleave at each `await`. A task without
 * `await` runs at once.
 */
export class SerialQueues {
  readonly #queues = new Map<string, Queue>();

  /** Whether no further task may wait. */
  isFull(name: string): boolean {
    const queue = this.#queues.get(name);
    return queue !== undefined && (queue.waiting >= maxWaiting || queue.octets >= maxOctets);
  }

  /** @param octets that the task keeps in memory while it waits */
  run(name: string, task: () => void | Promise<void>, octets = 0): void | Promise<void> {
    const before = this.#queues.get(name);
    const result = before === undefined ? task() : before.tail.then(task);
    if (result === undefined) return;
    const queue = before ?? { tail: result, waiting: 0, octets: 0 };
    queue.waiting += 1;
    queue.octets += octets;
    const tail = result.finally(() => {
      queue.waiting -= 1;
      queue.octets -= octets;
      if (queue.tail === tail) this.#queues.delete(name);
    });
    queue.tail = tail;
    this.#queues.set(name, queue);
    return tail;
  }
}
