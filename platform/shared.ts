import { SharedQuestions } from "./shared-questions.ts";

/** A result that is used again for some time, and that requests share while it is on its way. A failure is not kept. */
export class Shared<Result> {
  readonly #lifetime: number;
  readonly #ask: (now: number) => Promise<Result>;
  readonly #asked = new SharedQuestions<Result>();
  #last: { readonly at: number; readonly result: Result } | undefined;

  /** @param lifetime milliseconds */
  constructor(lifetime: number, ask: (now: number) => Promise<Result>) {
    this.#lifetime = lifetime;
    this.#ask = ask;
  }

  async at(now: number): Promise<Result> {
    const last = this.#last;
    if (last !== undefined && now - last.at < this.#lifetime) return last.result;
    return this.#asked.ask("", now, () => this.#askAnew(now));
  }

  async #askAnew(now: number): Promise<Result> {
    const result = await this.#ask(now);
    this.#last = { at: now, result };
    return result;
  }
}
