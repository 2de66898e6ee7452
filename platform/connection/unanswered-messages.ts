import { TokenBucket } from "../token-bucket.ts";

/** At once, and per second after that. */
const [acks, acksEachSecond] = [500, 300] as const;
const [responses, responsesEachSecond] = [1000, 1000] as const;

/**
 * Limits the messages of an authenticated client that get no answer: ACKs, and responses. Each goes to another client, and nothing makes
 * their sender wait. More than these are dropped.
 */
export class UnansweredMessages {
  readonly #acks = new TokenBucket(acks, acksEachSecond);
  readonly #responses = new TokenBucket(responses, responsesEachSecond);

  mayPass(kind: "ACK" | "response", now: number): boolean {
    return kind === "ACK" ? this.#acks.take(now) : this.#responses.take(now);
  }
}
