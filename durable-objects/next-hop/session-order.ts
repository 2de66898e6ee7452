/** Messages of one call that wait, and the octets of all calls. */
const [maxMessages, maxOfCall, maxOctets] = [100, 524_288, 8_388_608] as const;

/** The messages of one call that are not done. */
interface Queue {
  readonly tail: Promise<unknown>;
  readonly messages: number;
  readonly octets: number;
}

/** Keeps the order of the messages of each call. */
export class SessionOrder {
  readonly #queues = new Map<string, Queue>();
  #octets = 0;

  /** Whether another message of a call would have to wait. */
  isBusy(callId: string): boolean {
    return this.#queues.has(callId);
  }

  /** Whether it may: those that wait are in memory. One that need not wait always has room. */
  hasRoom(callId: string, octets: number): boolean {
    const queue = this.#queues.get(callId);
    if (queue === undefined) return true;
    return queue.messages < maxMessages && queue.octets + octets <= maxOfCall && this.#octets + octets <= maxOctets;
  }

  /** Runs a task when those before it, of the same call, are done. @param octets of its message */
  run<Result>(callId: string, octets: number, task: () => Promise<Result>): Promise<Result> {
    const before = this.#queues.get(callId);
    const result = before === undefined ? task() : before.tail.then(task, task);
    this.#octets += octets;
    this.#queues.set(callId, {
      tail: result.catch(() => undefined).then(() => this.#done(callId, octets)),
      messages: (before?.messages ?? 0) + 1,
      octets: (before?.octets ?? 0) + octets,
    });
    return result;
  }

  #done(callId: string, octets: number): void {
    this.#octets -= octets;
    const queue = this.#queues.get(callId);
    if (queue === undefined) return;
    if (queue.messages === 1) this.#queues.delete(callId);
    else this.#queues.set(callId, { ...queue, messages: queue.messages - 1, octets: queue.octets - octets });
  }
}
