/** A limit of tasks that run at a time, and of tasks that wait: in memory only. */
export class ConcurrencyLimit {
  readonly #most: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(most: number, maxWaiting: number) {
    this.#most = most;
    this.#maxWaiting = maxWaiting;
  }

  /** Whether no further task may wait. */
  isFull(): boolean {
    return this.#waiting.length >= this.#maxWaiting;
  }

  /** Runs work in its turn, in order. */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.#underWay >= this.#most) await new Promise<void>((resume) => this.#waiting.push(resume));
    else this.#underWay += 1;
    try {
      await work();
    } finally {
      // The next task takes the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }
}
