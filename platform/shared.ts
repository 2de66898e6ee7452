/** A result that requests share for some time, also while it is on its way. A failure is not kept. */
export class Shared<Result> {
  readonly #lifetime: number;
  readonly #ask: (now: number) => Promise<Result>;
  #last: { readonly at: number; readonly result: Promise<Result> } | undefined;

  /** @param lifetime milliseconds */
  constructor(lifetime: number, ask: (now: number) => Promise<Result>) {
    this.#lifetime = lifetime;
    this.#ask = ask;
  }

  async at(now: number): Promise<Result> {
    const last = this.#last;
    if (last !== undefined && now - last.at < this.#lifetime) return last.result;
    const asked = { at: now, result: this.#ask(now) };
    this.#last = asked;
    try {
      return await asked.result;
    } catch (error) {
      if (this.#last === asked) this.#last = undefined;
      throw error;
    }
  }
}
