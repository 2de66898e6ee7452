import type { Trunk } from "../../lib/routing/trunk.ts";

const [day, minute] = [86_400_000, 60_000];

/** What is stored of one day (UTC): the number of the day, and milliseconds. */
interface Talked {
  readonly day: number;
  readonly milliseconds: number;
}

/** Where it is stored: a part of what an object has. */
export interface MinuteStorage {
  get<T>(key: string): Promise<T | undefined>;
  put(key: string, value: unknown): Promise<void>;
}

/** How long calls to a trunk have lasted today over this connection. The row is written only for trunks with a limit. */
export class CallMinutes {
  readonly #storage: MinuteStorage;
  /** Undefined until it is read. */
  #talked: Talked | undefined;

  constructor(storage: MinuteStorage) {
    this.#storage = storage;
  }

  /**
   * Whether the trunk has used up its minutes of today.
   * @param underWay milliseconds that the present calls have lasted
   */
  async areUsedUp(trunk: Trunk, underWay: number, now: number): Promise<boolean> {
    const { maximum_minutes_per_day: maximum = Infinity } = trunk;
    return ((await this.talkedToday(trunk, underWay, now)) ?? 0) >= maximum * minute;
  }

  /** Milliseconds; undefined for a trunk without a limit. @param underWay as in `areUsedUp` */
  async talkedToday({ maximum_minutes_per_day: maximum }: Trunk, underWay: number, now: number): Promise<number | undefined> {
    return maximum === undefined ? undefined : (await this.#today(now)).milliseconds + underWay;
  }

  /** A call to the trunk is over. */
  async add({ maximum_minutes_per_day: maximum }: Trunk, milliseconds: number, now: number): Promise<void> {
    if (maximum === undefined) return;
    await this.#today(now);
    const before = this.#ofDay(now);
    this.#talked = { ...before, milliseconds: before.milliseconds + milliseconds };
    await this.#storage.put("talked", this.#talked);
  }

  async #today(now: number): Promise<Talked> {
    this.#talked ??= (await this.#storage.get<Talked>("talked")) ?? this.#ofDay(now);
    return this.#ofDay(now);
  }

  #ofDay(now: number): Talked {
    const today = Math.floor(now / day);
    return this.#talked?.day === today ? this.#talked : { day: today, milliseconds: 0 };
  }
}
