/** So much work at a time, and so much that waits for its turn: in memory only. */
export class ConcurrencyLimit {
  readonly #most: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(most: number, maxWaiting: number) {
    this.#most = most;
    this.#maxWaiting = maxWaiting;
  }

  /** Whether there is room for no more. */
  isFull(): boolean {
    return this.#waiting.length >= this.#maxWaiting;
  }

  /** Runs work when its turn has come; the turns are in order. */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.#underWay >= this.#most) await new Promise<void>((resume) => this.#waiting.push(resume));
    else this.#underWay += 1;
    try {
      await work();
    } finally {
      // The next one takes the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }
}
