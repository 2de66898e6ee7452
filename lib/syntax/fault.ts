import { reasonPhrase } from "./reason-phrase.ts";

type Headers = readonly (readonly [name: string, value: string])[];

/**
 * What a peer did wrong, as a value that carries the answer to it. A class, though it is plain data, because every reader's
 * result is asked whether it is one: `instanceof` takes a tenth of the time of looking for a field.
 */
export class Fault {
  /** What is wrong, one plain clause. */
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
 * A user, a phone or a trunk has as much of something as it may have. The reason phrase says of what, since phones show that. The status
 * is never 503: it would say that the whole server is out of service, and clients would stay away from it (RFC 3261 §21.5.4).
 * @param status 403: the sender's own limit; 480: that of whom it is for, or one that is over soon
 */
export function limitReached(status: 403 | 480, detail: string, headers?: Headers): Fault {
  return new Fault(detail, status, headers, `${detail[0]?.toUpperCase() ?? ""}${detail.slice(1)}`);
}

export function isFault(value: unknown): value is Fault {
  return value instanceof Fault;
}
