/** So many at once, and so many each second when those are used up: in memory only, since nobody gains by a loss of it. */
export class Allowance {
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

  /** Takes one; false if there is none. */
  take(now: number): boolean {
    this.#left = Math.min(this.#left + (Math.max(0, now - this.#at) * this.#eachSecond) / 1000, this.#most);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
