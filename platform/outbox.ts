import type { HomeName } from "../lib/transport/identifiers.ts";
import { type Envelope, type Receipt, accepted } from "../lib/transport/envelope.ts";

/** What every object accepts from others. */
export interface Receiver {
  /** @returns a receipt for each envelope; undefined if all were accepted */
  deliver(envelopes: readonly Envelope[]): Promise<readonly Receipt[] | undefined>;
}

/** Envelopes on their way to one home. */
interface Queue {
  readonly waiting: Posted[];
  /** Of those that wait, and of those that are being sent. */
  octets: number;
}

interface Posted {
  readonly envelope: Envelope;
  readonly taken: (receipt: Receipt) => void;
  readonly failed: (error: Undeliverable) => void;
}

/** The other home could not be reached after all attempts; the sender answers for it. */
export class Undeliverable extends Error {
  override readonly name = "Undeliverable";
}

const attempts = 3;
const pauseBetweenAttempts = 50;
/** To one home: how many envelopes wait, and their octets together with those that are being sent. */
const maxQueue = { count: 500, octets: 4_194_304 };
const stubsKept = 200;

/**
 * Envelopes to other homes. To each home they go in order, one call at a time, and envelopes that come meanwhile are sent together. A
 * failed call is repeated on a fresh stub; the receiver drops repetitions.
 */
export class Outbox {
  readonly #receiver: (home: HomeName) => Receiver;
  readonly #queues = new Map<string, Queue>();
  /** One stub for each home: calls on one stub arrive in order. */
  readonly #stubs = new Map<string, Receiver>();
  #calls = 0;

  /** @param receiver makes a fresh stub of a home */
  constructor(receiver: (home: HomeName) => Receiver) {
    this.#receiver = receiver;
  }

  /** Resolves with the receipt once the other home has saved the envelope; rejects with `Undeliverable`. */
  post(home: HomeName, envelope: Envelope): Promise<Receipt> {
    return new Promise((taken, failed) => {
      const queue = this.#queues.get(home);
      const [posted, octets] = [{ envelope, taken, failed }, octetsOf(envelope)];
      if (queue === undefined) {
        this.#queues.set(home, { waiting: [posted], octets });
        void Promise.resolve().then(() => this.#flush(home));
      } else if (queue.waiting.length < maxQueue.count && queue.octets + octets <= maxQueue.octets) {
        queue.waiting.push(posted);
        queue.octets += octets;
      } else failed(new Undeliverable(`too many messages are waiting for ${home}`));
    });
  }

  /** The number of calls since the last call of this. */
  spent(): number {
    const calls = this.#calls;
    this.#calls = 0;
    return calls;
  }

  async #flush(home: HomeName): Promise<void> {
    const queue = this.#queues.get(home);
    if (queue === undefined) return;
    for (let batch = queue.waiting.splice(0); batch.length > 0; batch = queue.waiting.splice(0)) {
      await this.#send(home, batch);
      for (const { envelope } of batch) queue.octets -= octetsOf(envelope);
    }
    this.#queues.delete(home);
  }

  async #send(home: HomeName, batch: readonly Posted[], first = 1): Promise<void> {
    const envelopes = batch.map((posted) => posted.envelope);
    for (let attempt = first; ; attempt += 1) {
      try {
        this.#calls += 1;
        const receipts = await this.#stub(home).deliver(envelopes);
        batch.forEach((posted, index) => posted.taken(receipts?.[index] ?? accepted));
        return;
      } catch (error) {
        // A stub that has failed once always fails.
        this.#stubs.delete(home);
        if (attempt === attempts && batch.length > 1 && !isOverloaded(error)) {
          // One envelope may be the cause: the others are then sent one by one.
          for (const posted of batch) await this.#send(home, [posted], attempts);
          return;
        }
        if (attempt === attempts || isOverloaded(error)) {
          batch.forEach((posted) => posted.failed(new Undeliverable(`${home} could not be reached: ${String(error)}`)));
          return;
        }
        await new Promise((resume) => setTimeout(resume, pauseBetweenAttempts * attempt));
      }
    }
  }

  #stub(home: HomeName): Receiver {
    const known = this.#stubs.get(home) ?? this.#receiver(home);
    if (this.#stubs.size >= stubsKept) this.#stubs.clear();
    this.#stubs.set(home, known);
    return known;
  }
}

function octetsOf(envelope: Envelope): number {
  if (envelope.kind === "cancel") return envelope.of?.text.length ?? 0;
  return envelope.kind === "request" || envelope.kind === "response" ? envelope.text.length : 0;
}

/** The platform reports that retries would make it worse. */
function isOverloaded(error: unknown): boolean {
  return error instanceof Error && "overloaded" in error && error.overloaded === true;
}
