/** Milliseconds that one waits for the question of another one. */
const patience = 2000;
/** Questions that may be under way. */
const maxAsked = 1000;

interface Asked<Result> {
  /** Milliseconds. */
  readonly at: number;
  readonly answer: Promise<Result>;
}

/**
 * Questions that several ask at the same time, of which one is sent. On this platform an answer belongs to the event that has asked: if a
 * client's WebSocket ends, what was asked for it is never answered. So others wait for it for a moment only, and then ask themselves.
 */
export class SharedQuestions<Result> {
  readonly #asked = new Map<string, Asked<Result>>();

  /** Whether a question is under way that may still be answered. */
  isAsked(name: string, now: number): boolean {
    const asked = this.#asked.get(name);
    return asked !== undefined && now - asked.at < patience;
  }

  /** @param question asks; it is called if there was no such question lately */
  async ask(name: string, now: number, question: () => Promise<Result>): Promise<Result> {
    const asked = this.#asked.get(name);
    if (asked === undefined || now - asked.at >= patience) return this.#ask(name, now, question);
    const answer = await inTime(asked.answer);
    if (answer !== undefined) return answer.value;
    // Another one may have asked meanwhile.
    return this.ask(name, Date.now(), question);
  }

  /** Answers to these are not shared any more. */
  forget(isForgotten: (name: string) => boolean): void {
    for (const name of this.#asked.keys()) if (isForgotten(name)) this.#asked.delete(name);
  }

  #ask(name: string, now: number, question: () => Promise<Result>): Promise<Result> {
    const asked: Asked<Result> = { at: now, answer: question() };
    this.#asked.delete(name);
    this.#asked.set(name, asked);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > maxAsked && oldest !== undefined) this.#asked.delete(oldest);
    const isOver = () => {
      if (this.#asked.get(name) === asked) this.#asked.delete(name);
    };
    asked.answer.then(isOver, isOver);
    return asked.answer;
  }
}

/** The answer of another one; undefined if it does not come in time. */
async function inTime<Result>(answer: Promise<Result>): Promise<{ readonly value: Result } | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  try {
    return await Promise.race([answer.then((value) => ({ value })), late]);
  } finally {
    clearTimeout(timer);
  }
}
