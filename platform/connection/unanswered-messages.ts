import { TokenBucket } from "../token-bucket.ts";

/** At once, and per second after that. */
const [acks, acksEachSecond] = [500, 300] as const;
const [responses, responsesEachSecond] = [1000, 1000] as const;
const [pings, pingsEachSecond] = [100, 1] as const;

/**
 * Limits the messages of an authenticated client that get no answer: ACKs, and responses. Each goes to another client, and nothing makes
 * their sender wait. And keep-alives, whose answers take memory until they are read. More than these are dropped.
 */
export class UnansweredMessages {
  readonly #acks = new TokenBucket(acks, acksEachSecond);
  readonly #responses = new TokenBucket(responses, responsesEachSecond);
  readonly #pings = new TokenBucket(pings, pingsEachSecond);

  mayPass(kind: "ACK" | "response" | "ping", now: number): boolean {
    if (kind === "ping") return this.#pings.take(now);
    return kind === "ACK" ? this.#acks.take(now) : this.#responses.take(now);
  }
}
