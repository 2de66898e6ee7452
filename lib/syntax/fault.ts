import { reasonPhrase } from "./reason-phrase.ts";

type Headers = readonly (readonly [name: string, value: string])[];

/**
 * An error of the peer, as a value with the answer to it. It is plain data, but a class: every reader's result is tested for it, and
 * `instanceof` takes a tenth of the time of a test for a field.
 */
export class Fault {
  /** A copy of its fields is no fault, and would pass for a success: so the compiler refuses copies. */
  declare private readonly brand: never;
  /** What is wrong, in one plain clause. */
  readonly fault: string;
  readonly status: number;
  /** The reason phrase: the standard one of the status, unless a limit is reached. */
  readonly reason: string;
  /** Header lines that the answer must have. */
  readonly headers: Headers | undefined;

  constructor(detail: string, status: number, headers: Headers | undefined, reason = reasonPhrase(status)) {
    this.fault = detail;
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

export function fault(status: number, detail: string, headers?: Headers): Fault {
  return new Fault(detail, status, headers);
}

/**
 * A user, a phone or a trunk has reached a limit. The reason phrase names it, because phones show that. The status is never 503, which
 * would mean that the whole server is out of service, so that clients avoid it (RFC 3261 §21.5.4).
 * @param status 403: the sender's own limit; 480: a limit of the recipient, or one that ends soon
 */
export function limitReached(status: 403 | 480, detail: string, headers?: Headers): Fault {
  return new Fault(detail, status, headers, `${detail[0]?.toUpperCase() ?? ""}${detail.slice(1)}`);
}

export function isFault(value: unknown): value is Fault {
  return value instanceof Fault;
}
