import { TokenBucket } from "../token-bucket.ts";

/** At once, and per second after that. */
const [messages, messagesEachSecond] = [120, 2] as const;
const [octets, octetsEachSecond] = [1_048_576, 16_384] as const;
/** Octets; a challenge has about 800. A client that does not read costs no more memory than this. */
const [answered, answeredEachSecond] = [131_072, 2048] as const;
/** A client that only keeps its connection alive. At a home the runtime answers these without counting them. */
const [keepAlives, keepAlivesEachSecond] = [20_000, 200] as const;
/** Milliseconds without a frame after which the limits begin anew: as long as it takes a home to fall asleep, which forgets them. */
const silence = 10_000;
/** Queries to D1: an account needs one or two, for the challenge and for the credentials. */
const [questions, questionsEachSecond] = [30, 0.1] as const;

interface Buckets {
  readonly messages: TokenBucket;
  readonly octets: TokenBucket;
  readonly answered: TokenBucket;
  readonly questions: TokenBucket;
}

/**
 * The limits of an unauthenticated client on one connection. They are in memory, and an object that has slept starts with new ones. So they
 * begin anew everywhere when the client has been silent for as long as that takes: it must not learn from them whether there is a home, nor
 * whether it sleeps. That happens a few times only, because the deadline for authentication counts from the start of the connection.
 */
export class StrangerAllowance {
  #buckets = fullBuckets();
  readonly #keepAlives = new TokenBucket(keepAlives, keepAlivesEachSecond);
  /** Milliseconds; when the last frame arrived. */
  #last = Number.POSITIVE_INFINITY;

  /** A frame has arrived; false if it is one too many. */
  hears(frame: string | ArrayBuffer, now: number): boolean {
    if (now - this.#last >= silence) this.#buckets = fullBuckets();
    this.#last = now;
    return this.#buckets.messages.take(now) && this.#buckets.octets.take(now, lengthOf(frame));
  }

  /** A keep-alive has arrived that the runtime did not answer; false if it is one too many. */
  keepsAlive(now: number): boolean {
    return this.#keepAlives.take(now);
  }

  /** A frame is to be sent; false if it is too much. */
  says(frame: string | ArrayBuffer | Uint8Array, now: number): boolean {
    return this.#buckets.answered.take(now, lengthOf(frame));
  }

  /** D1 is to be queried; false if there were too many queries. */
  asks(now: number): boolean {
    return this.#buckets.questions.take(now);
  }
}

function fullBuckets(): Buckets {
  return {
    messages: new TokenBucket(messages, messagesEachSecond),
    octets: new TokenBucket(octets, octetsEachSecond),
    answered: new TokenBucket(answered, answeredEachSecond),
    questions: new TokenBucket(questions, questionsEachSecond),
  };
}

/** Octets; for a text its characters, which is at least a third of them. */
export function lengthOf(frame: string | ArrayBuffer | Uint8Array): number {
  return typeof frame === "string" ? frame.length : frame.byteLength;
}
