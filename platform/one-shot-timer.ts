/** One timer in memory, which fires at the earliest requested time. Deadlines that must not be lost use the alarm. */
export class OneShotTimer {
  readonly #strike: () => void;
  #set: { readonly at: number; readonly timer: ReturnType<typeof setTimeout> } | undefined;

  constructor(strike: () => void) {
    this.#strike = strike;
  }

  /** @param delay milliseconds from `now` */
  within(delay: number, now: number): void {
    if (this.#set !== undefined && this.#set.at <= now + delay) return;
    clearTimeout(this.#set?.timer);
    const timer = setTimeout(() => {
      this.#set = undefined;
      this.#strike();
    }, delay);
    this.#set = { at: now + delay, timer };
  }
}
