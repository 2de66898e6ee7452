import { closing } from "./close-reasons.ts";

type Why = (typeof closing)["noMessage" | "notAuthenticated"];

/** Seconds. */
interface Times {
  readonly firstMessageTimeout: number;
  readonly authenticationTimeout: number;
}

/** Milliseconds: phones answer a challenge sooner. */
const usualResponseTime = 2000;

/** The timer of a connection that is not authenticated yet: a valid message has to come soon, and right credentials in time. */
export class AuthenticationTimeout {
  readonly #close: (why: Why) => void;
  readonly #sleeps: ((due: number) => void) | undefined;
  readonly #times: Times;
  /** Milliseconds. */
  readonly #opened: number;
  #clock: ReturnType<typeof setTimeout> | undefined;
  #hasHeard = false;

  /**
   * @param opened milliseconds; when the connection was opened
   * @param sleeps for an object that must not stay awake: called with the deadline if no credentials have come soon
   */
  constructor(times: Times, opened: number, close: (why: Why) => void, sleeps?: (due: number) => void) {
    this.#close = close;
    this.#sleeps = sleeps;
    this.#times = times;
    this.#opened = opened;
    const { firstMessageTimeout, authenticationTimeout } = times;
    this.#clock = setTimeout(() => close(closing.noMessage), Math.min(firstMessageTimeout, authenticationTimeout) * 1000);
  }

  /** A valid message has arrived. */
  heard(): void {
    if (this.#hasHeard || this.#clock === undefined) return;
    this.#hasHeard = true;
    clearTimeout(this.#clock);
    const due = this.#opened + this.#times.authenticationTimeout * 1000;
    const left = Math.max(0, due - Date.now());
    const sleeps = this.#sleeps;
    this.#clock =
      sleeps === undefined
        ? setTimeout(() => this.#close(closing.notAuthenticated), left)
        : setTimeout(() => sleeps(due), Math.min(left, usualResponseTime));
  }

  /** The connection is authenticated, or closed. */
  ends(): void {
    clearTimeout(this.#clock);
    this.#clock = undefined;
  }
}
