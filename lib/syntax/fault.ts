import { reasonPhrase } from "./reason-phrase.ts";

/** What a peer did wrong, as a value that carries the answer to it. */
export interface Fault {
  /** What is wrong, one plain clause. */
  readonly fault: string;
  readonly status: number;
  /** The standard reason phrase of the status. */
  readonly reason: string;
  /** Header lines that the answer must have. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export function fault(status: number, detail: string, headers?: Fault["headers"]): Fault {
  const reason = reasonPhrase(status);
  return headers === undefined ? { fault: detail, status, reason } : { fault: detail, status, reason, headers };
}

export function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && "fault" in value;
}
