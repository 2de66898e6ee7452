/** So many at once, and so many each second when those are used up: in memory only. */
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

  /** Takes one, or so many; false if there are not that many. */
  take(now: number, amount = 1): boolean {
    this.#left = Math.min(this.#left + (Math.max(0, now - this.#at) * this.#eachSecond) / 1000, this.#most);
    this.#at = now;
    if (this.#left < amount) return false;
    this.#left -= amount;
    return true;
  }
}
