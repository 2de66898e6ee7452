import { type Brake, brakeDelay, brakeHarder, released } from "../../lib/authentication/brake.ts";

const accountsKept = 1000;
/**
 * Milliseconds that a brake lasts at `/ws/{address}`: as long as it takes a home to fall asleep, which forgets it. A client must not learn
 * from it whether there is a home, so it is no longer where there is none.
 */
export const brakeOfName = 10_000;

/** The brakes of accounts, in the memory of this isolate: each isolate counts for itself. */
export class Brakes {
  readonly #brakes = new Map<string, Brake>();
  readonly #memory: number | undefined;

  /** @param memory milliseconds that a brake lasts without another wrong password; absent: as usual */
  constructor(memory?: number) {
    this.#memory = memory;
  }

  wrong(account: string, failedAttempts: number, now: number): void {
    if (failedAttempts === 0) return;
    const brake = brakeHarder(this.#brakes.get(account) ?? released, failedAttempts, now, this.#memory);
    this.#brakes.delete(account);
    this.#brakes.set(account, brake);
    const [oldest] = this.#brakes.keys();
    if (this.#brakes.size > accountsKept && oldest !== undefined) this.#brakes.delete(oldest);
  }

  /** Undefined if credentials for the account need not wait; else a promise that resolves when they have waited. */
  waiting(account: string, now: number): Promise<void> | undefined {
    const delay = brakeDelay(this.#brakes.get(account) ?? released, now, this.#memory);
    return delay === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, delay));
  }
}
