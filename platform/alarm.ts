/**
 * The object's one alarm, shared by all that is due (times are data). It is only ever moved to an earlier time; a late or
 * needless one finds nothing to do.
 */
export class SharedAlarm {
  readonly #storage: DurableObjectStorage;
  /** Milliseconds; null: none is set, undefined: not known since the object woke up. */
  #at: number | null | undefined;
  #moves = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Must have been awaited once since the object woke up, before `noLaterThan`. */
  async ready(): Promise<void> {
    if (this.#at === undefined) this.#at = await this.#storage.getAlarm();
  }

  get isReady(): boolean {
    return this.#at !== undefined;
  }

  /**
   * Makes sure that the alarm goes off at `due` (milliseconds) or before; one row written if it has to be moved. What may wait a
   * little says so, and then takes an alarm that is set for somebody else.
   * @param slack milliseconds
   */
  noLaterThan(due: number, slack = 0): void {
    if (this.#at === undefined) throw new Error("the alarm was moved before it was read");
    if (!Number.isFinite(due) || (this.#at !== null && this.#at <= due + slack)) return;
    this.#at = due;
    this.#moves += 1;
    void this.#storage.setAlarm(due);
  }

  /** How often the alarm was set since this was last asked; a row each. */
  spent(): number {
    const moves = this.#moves;
    this.#moves = 0;
    return moves;
  }

  /** The alarm has gone off: none is set any more. */
  wentOff(): void {
    this.#at = null;
  }
}
