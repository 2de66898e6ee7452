import { TokenBucket } from "../token-bucket.ts";

/** At once, and each second when those are used up. */
const [messages, messagesEachSecond] = [120, 2] as const;
const [octets, octetsEachSecond] = [1_048_576, 16_384] as const;
/** A challenge has about 800. Who does not read costs no more memory than this. */
const [answered, answeredEachSecond] = [131_072, 2048] as const;
/** Of D1: an account takes one or two, for the challenge and for the credentials. */
const [questions, questionsEachSecond] = [30, 0.1] as const;

/**
 * What somebody who has not authenticated may cost on one connection. It is in memory: an object that has slept gives a new one, for which
 * a stranger has to be silent for the 10 s that it takes to fall asleep, and that a few times only, since the deadline for authenticating
 * counts from when the connection was opened.
 */
export class StrangerAllowance {
  readonly #messages = new TokenBucket(messages, messagesEachSecond);
  readonly #octets = new TokenBucket(octets, octetsEachSecond);
  readonly #answered = new TokenBucket(answered, answeredEachSecond);
  readonly #questions = new TokenBucket(questions, questionsEachSecond);

  /** A frame has come; false if it is one too many. */
  hears(frame: string | ArrayBuffer, now: number): boolean {
    return this.#messages.take(now) && this.#octets.take(now, lengthOf(frame));
  }

  /** Something is to be sent; false if there is too much of it. */
  says(frame: string | ArrayBuffer | Uint8Array, now: number): boolean {
    return this.#answered.take(now, lengthOf(frame));
  }

  /** D1 is to be asked; false if it has been asked too often. */
  asks(now: number): boolean {
    return this.#questions.take(now);
  }
}

/** Octets, or characters, which are a third of them at least. */
export function lengthOf(frame: string | ArrayBuffer | Uint8Array): number {
  return typeof frame === "string" ? frame.length : frame.byteLength;
}
