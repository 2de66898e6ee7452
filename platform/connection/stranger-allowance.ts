import { TokenBucket } from "../token-bucket.ts";

/** At once, and per second after that. */
const [messages, messagesEachSecond] = [120, 2] as const;
const [octets, octetsEachSecond] = [1_048_576, 16_384] as const;
/** Octets; a challenge has about 800. A client that does not read costs no more memory than this. */
const [answered, answeredEachSecond] = [131_072, 2048] as const;
/** Queries to D1: an account needs one or two, for the challenge and for the credentials. */
const [questions, questionsEachSecond] = [30, 0.1] as const;

/**
 * The limits of an unauthenticated client on one connection. They are in memory: an object that has slept starts with new ones. For that
 * the client must be silent for the 10 s until the object sleeps, and only a few times, because the deadline for authentication counts from
 * the start of the connection.
 */
export class StrangerAllowance {
  readonly #messages = new TokenBucket(messages, messagesEachSecond);
  readonly #octets = new TokenBucket(octets, octetsEachSecond);
  readonly #answered = new TokenBucket(answered, answeredEachSecond);
  readonly #questions = new TokenBucket(questions, questionsEachSecond);

  /** A frame has arrived; false if it is one too many. */
  hears(frame: string | ArrayBuffer, now: number): boolean {
    return this.#messages.take(now) && this.#octets.take(now, lengthOf(frame));
  }

  /** A frame is to be sent; false if it is too much. */
  says(frame: string | ArrayBuffer | Uint8Array, now: number): boolean {
    return this.#answered.take(now, lengthOf(frame));
  }

  /** D1 is to be queried; false if there were too many queries. */
  asks(now: number): boolean {
    return this.#questions.take(now);
  }
}

/** Octets; for a text its characters, which is at least a third of them. */
export function lengthOf(frame: string | ArrayBuffer | Uint8Array): number {
  return typeof frame === "string" ? frame.length : frame.byteLength;
}
