import { type Brake, brakeDelay, brakeHarder, released } from "../../lib/authentication/brake.ts";

const accountsKept = 1000;

/** The brakes of accounts, in the memory of this isolate: each isolate counts for itself. */
export class Brakes {
  readonly #brakes = new Map<string, Brake>();

  wrong(account: string, failedAttempts: number, now: number): void {
    if (failedAttempts === 0) return;
    const brake = brakeHarder(this.#brakes.get(account) ?? released, failedAttempts, now);
    this.#brakes.delete(account);
    this.#brakes.set(account, brake);
    const [oldest] = this.#brakes.keys();
    if (this.#brakes.size > accountsKept && oldest !== undefined) this.#brakes.delete(oldest);
  }

  /** Undefined if credentials for the account need not wait; else a promise that resolves when they have waited. */
  waiting(account: string, now: number): Promise<void> | undefined {
    const delay = brakeDelay(this.#brakes.get(account) ?? released, now);
    return delay === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, delay));
  }
}
