import { type Brake, brakeDelay, brakeHarder, released } from "../../lib/authentication/brake.ts";

const accountsKept = 1000;
/** Milliseconds that credentials wait at most for those that came before them from the same address. */
const maxWait = 30_000;

/** The brakes of accounts, in the memory of this isolate: each isolate counts for itself. */
export class Brakes {
  readonly #brakes = new Map<string, Brake>();
  /** By account and client address: milliseconds until when earlier credentials wait. */
  readonly #queues = new Map<string, number>();

  wrong(account: string, failedAttempts: number, now: number): void {
    if (failedAttempts === 0) return;
    const brake = brakeHarder(this.#brakes.get(account) ?? released, failedAttempts, now);
    keep(this.#brakes, account, brake);
  }

  /**
   * Undefined if credentials for the account need not wait; else a promise that resolves when they have waited. Those of one address wait
   * one after the other: more connections do not help who guesses, and the owner at another address does not wait for them.
   */
  waiting(account: string, address: string, now: number): Promise<void> | undefined {
    const wait = this.#waitOf(account, address, now);
    return wait === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, wait));
  }

  #waitOf(account: string, address: string, now: number): number {
    const delay = brakeDelay(this.#brakes.get(account) ?? released, now);
    if (delay === 0) return 0;
    const queue = `${account} ${address}`;
    const until = Math.min(Math.max(this.#queues.get(queue) ?? 0, now) + delay, now + maxWait);
    keep(this.#queues, queue, until);
    return until - now;
  }
}

/** Puts an entry last; the oldest is removed when there are too many. */
function keep<T>(entries: Map<string, T>, name: string, value: T): void {
  entries.delete(name);
  entries.set(name, value);
  const [oldest] = entries.keys();
  if (entries.size > accountsKept && oldest !== undefined) entries.delete(oldest);
}
