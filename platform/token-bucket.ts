/** A limit of a burst, and of a rate per second after that: in memory only. */
export class TokenBucket {
  readonly #most: number;
  readonly #eachSecond: number;
  #left: number;
  /** Milliseconds. */
  #at = 0;

  constructor(most: number, eachSecond: number) {
    this.#most = most;
    this.#eachSecond = eachSecond;
    this.#left = most;
  }

  /** Takes this many tokens; false if there are fewer. */
  take(now: number, amount = 1): boolean {
    this.#left = Math.min(this.#left + (Math.max(0, now - this.#at) * this.#eachSecond) / 1000, this.#most);
    this.#at = now;
    if (this.#left < amount) return false;
    this.#left -= amount;
    return true;
  }
}
