import { patience } from "./patience.ts";

/** A phone that is a program of others, registered over TCP. What it does is known by what it says. */
export interface DeskPhone {
  /** Waits until it has said so once more than it was waited for. */
  happens(what: Happening): Promise<void>;
  calls(uri: string): void;
  answers(): void;
  holds(): void;
  resumes(): void;
  hangsUp(): void;
  close(): Promise<void>;
}

export interface DeskPhoneOptions {
  /** Of `localhost`, with the password of all accounts of the tests. */
  readonly account: string;
  /** The server's for SIP over TCP. */
  readonly port: number;
}

/** "is answered": what it wanted changed of its call has been taken by the other side. */
export type Happening = "registered" | "rings" | "hears ringing" | "talks" | "is held" | "is resumed" | "is answered" | "has ended";

/** What a program has said, until somebody waits for it. */
export class Happenings {
  readonly #unread: Happening[] = [];
  readonly #all: string[] = [];
  #waiting: (() => void)[] = [];

  /** @param line what the program said, as it said it */
  add(line: string, what: Happening | undefined): void {
    this.#all.push(line);
    if (what === undefined) return;
    this.#unread.push(what);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** @throws Error with all that was said, if it does not happen in time */
  async next(what: Happening): Promise<void> {
    const deadline = AbortSignal.timeout(patience);
    while (!this.#unread.includes(what)) {
      if (deadline.aborted) throw new Error(`"${what}" did not happen:\n${this.#all.join("\n")}`);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        deadline.addEventListener("abort", () => resolve());
      });
    }
    this.#unread.splice(this.#unread.indexOf(what), 1);
  }
}
