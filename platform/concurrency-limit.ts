/** A limit of tasks that run at a time, and of tasks that wait: in memory only. */
export class ConcurrencyLimit {
  readonly #most: number;
  readonly #maxWaiting: number;
  readonly #maxAside: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #aside = 0;

  /** @param maxAside tasks that may have left their places for a while */
  constructor(most: number, maxWaiting: number, maxAside = 0) {
    this.#most = most;
    this.#maxWaiting = maxWaiting;
    this.#maxAside = maxAside;
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
      this.#leave();
    }
  }

  /** A part of a task that only waits for another server: its place is free meanwhile, unless too many wait in this way. */
  async aside<Result>(wait: () => Promise<Result>): Promise<Result> {
    if (this.#aside >= this.#maxAside) return wait();
    this.#aside += 1;
    this.#leave();
    try {
      return await wait();
    } finally {
      this.#aside -= 1;
      // Before those that have not begun.
      if (this.#underWay >= this.#most) await new Promise<void>((resume) => this.#waiting.unshift(resume));
      else this.#underWay += 1;
    }
  }

  /** The next task takes the place. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#underWay -= 1;
    else next();
  }
}
