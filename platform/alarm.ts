/**
 * The object's one alarm, shared by all deadlines (the times are data). It is only ever moved to an earlier time; a late or needless alarm
 * does nothing.
 */
export class SharedAlarm {
  readonly #storage: DurableObjectStorage;
  /** Milliseconds; null: none is set, undefined: not known since the object woke up. */
  #at: number | null | undefined;
  #moves = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Must be awaited once after the object woke up, before `noLaterThan`. */
  async ready(): Promise<void> {
    if (this.#at === undefined) this.#at = await this.#storage.getAlarm();
  }

  get isReady(): boolean {
    return this.#at !== undefined;
  }

  /**
   * Makes sure that the alarm fires at `due` (milliseconds) or before; writes one row if it has to be moved.
   * @param slack milliseconds by which it may be later, to share an alarm that is already set
   */
  noLaterThan(due: number, slack = 0): void {
    if (this.#at === undefined) throw new Error("the alarm was moved before it was read");
    if (!Number.isFinite(due) || (this.#at !== null && this.#at <= due + slack)) return;
    this.#at = due;
    this.#moves += 1;
    void this.#storage.setAlarm(due);
  }

  /** How often the alarm was set since the last call of this; one row each. */
  spent(): number {
    const moves = this.#moves;
    this.#moves = 0;
    return moves;
  }

  /** The alarm has fired: none is set any more. */
  wentOff(): void {
    this.#at = null;
  }
}
