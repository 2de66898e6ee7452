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

  /** Whether a guest may send this now. @param user the address of record of the user whom it is for */
  async mayPass(method: string, { address, network }: GuestOrigin, user: string): Promise<boolean> {
    if (method === "MESSAGE") return isWithin(this.#all, `messages of ${address}`);
    if (method === "OPTIONS") return isWithin(this.#all, `questions of ${address}`);
    if (method !== "INVITE") return true;
    const isOwn = (await isWithin(this.#calls, address)) && (await isWithin(this.#calls, `calls of ${network} to ${user}`));
    return isOwn && (await isWithin(this.#all, `calls to ${user}`));
  }
}

/** What the guests of one client address, and of one network, have in common. */
export interface GuestOrigin {
  readonly address: string;
  readonly network: string;
}

/** A deployment with an older wrangler.toml has no such limit. */
async function isWithin(rate: RateLimit | undefined, key: string): Promise<boolean> {
  return rate === undefined || (await rate.limit({ key })).success;
}
