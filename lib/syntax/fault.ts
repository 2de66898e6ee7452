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
  /** The standard reason phrase of the status. */
  readonly reason: string;
  /** Header lines that the answer must have. */
  readonly headers: Headers | undefined;

  constructor(detail: string, status: number, headers: Headers | undefined) {
    this.fault = detail;
    this.status = status;
    this.reason = reasonPhrase(status);
    this.headers = headers;
  }
}

export function fault(status: number, detail: string, headers?: Headers): Fault {
  return new Fault(detail, status, headers);
}

export function isFault(value: unknown): value is Fault {
  return value instanceof Fault;
}
