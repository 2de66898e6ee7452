import { closing } from "../address-of-record/sockets.ts";

type Why = (typeof closing)["noMessage" | "notAuthenticated"];

/** Seconds. */
interface Times {
  readonly firstMessageTimeout: number;
  readonly authenticationTimeout: number;
}

/** The clock of a connection on which nobody has authenticated yet: something valid has to come soon, and credentials that are right in time. */
export class Patience {
  readonly #close: (why: Why) => void;
  readonly #times: Times;
  /** Milliseconds. */
  readonly #opened: number;
  #clock: ReturnType<typeof setTimeout> | undefined;
  #hasHeard = false;

  /** @param opened when the connection was; milliseconds */
  constructor(times: Times, opened: number, close: (why: Why) => void) {
    this.#close = close;
    this.#times = times;
    this.#opened = opened;
    const { firstMessageTimeout, authenticationTimeout } = times;
    this.#clock = setTimeout(() => close(closing.noMessage), Math.min(firstMessageTimeout, authenticationTimeout) * 1000);
  }

  /** A valid message has come. */
  heard(): void {
    if (this.#hasHeard || this.#clock === undefined) return;
    this.#hasHeard = true;
    clearTimeout(this.#clock);
    const left = this.#opened + this.#times.authenticationTimeout * 1000 - Date.now();
    this.#clock = setTimeout(() => this.#close(closing.notAuthenticated), Math.max(0, left));
  }

  /** Somebody has authenticated, or the connection is gone. */
  ends(): void {
    clearTimeout(this.#clock);
    this.#clock = undefined;
  }
}
