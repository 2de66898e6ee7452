import type { Environment } from "./environment.ts";

/**
 * How often guests call and write: counted by the platform, per data centre and minute, because a guest's home forgets, and a guest has any
 * number of connections.
 */
export class GuestRates {
  readonly #calls: RateLimit | undefined;
  readonly #all: RateLimit | undefined;

  constructor({ GUEST_CALL_RATE, GUEST_RATE }: Pick<Environment, "GUEST_CALL_RATE" | "GUEST_RATE">) {
    this.#calls = GUEST_CALL_RATE;
    this.#all = GUEST_RATE;
  }

  /**
   * Whether a guest may send this now.
   * @param from what the guests of one client address have in common
   * @param user the address of record of the user whom it is for
   */
  async mayPass(method: string, from: string, user: string): Promise<boolean> {
    if (method === "MESSAGE") return isWithin(this.#all, `messages of ${from}`);
    if (method !== "INVITE") return true;
    return (await isWithin(this.#calls, from)) && (await isWithin(this.#all, `calls to ${user}`));
  }
}

/** A deployment with an older wrangler.toml has no such limit. */
async function isWithin(rate: RateLimit | undefined, key: string): Promise<boolean> {
  return rate === undefined || (await rate.limit({ key })).success;
}
