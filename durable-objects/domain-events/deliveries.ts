import type { DeliveryPlace, DeliveryView, QueuedEvent } from "../../platform/object-rpc.ts";
import type { Schema, Sql } from "../../platform/sql.ts";
import { storedShape } from "../../platform/stored-shape.ts";

/** What changes of a delivery. Times in milliseconds. */
interface DeliveryState extends Pick<DeliveryView, "attempts" | "last"> {
  /** When it was queued, or replayed. */
  readonly since: number;
  /** When it is tried next; absent: it is given up. */
  readonly next?: number;
  /** When it was given up. */
  readonly failed?: number;
}

/** An event for one hook, that is not delivered yet; without its payload. */
export interface Delivery extends DeliveryState, DeliveryPlace, Pick<QueuedEvent, "type"> {
  readonly hook: string;
}

/** Of all hooks of the domain. */
const maxDeliveries = 10_000;
/** Milliseconds that a delivery which was given up can be replayed. */
export const failedKept = 7 * 86_400_000;

const stateShape = storedShape<DeliveryState>();

/** The tables of the object. The key is the order of a hook's deliveries; a repeated event finds its row. */
export const schema: Schema = {
  tables: {
    deliveries: `CREATE TABLE IF NOT EXISTS deliveries (hook TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
      payload TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (hook, at, id)) WITHOUT ROWID`,
  },
  migrations: [],
};

interface Row extends Record<string, string | number> {
  readonly hook: string;
  readonly at: number;
  readonly id: string;
  readonly type: Delivery["type"];
  readonly state: string;
}

/** The deliveries of a domain's hooks: rows, and their small members in memory, in order. */
export class Deliveries {
  readonly #memory: Sql;
  #known: Map<string, Delivery[]> | undefined;

  constructor(memory: Sql) {
    this.#memory = memory;
  }

  /** The hooks that have deliveries. */
  hooks(): string[] {
    return [...this.#load().keys()];
  }

  /** All of a hook, the oldest first. */
  of(hook: string): readonly Delivery[] {
    return this.#load().get(hook) ?? [];
  }

  find(hook: string, id: string): Delivery | undefined {
    return this.of(hook).find((one) => one.id === id);
  }

  payloadOf({ hook, at, id }: Delivery): string {
    const rows = this.#memory.all<{ payload: string }>("SELECT payload FROM deliveries WHERE hook = ? AND at = ? AND id = ?", hook, at, id);
    return rows[0]?.payload ?? "";
  }

  /** Saves an event for a hook, unless it is there already. */
  add(hook: string, { id, at, type, payload }: QueuedEvent, now: number): void {
    if (this.find(hook, id) !== undefined) return;
    this.#makeRoom();
    const state: DeliveryState = { since: now, attempts: 0, next: now, last: undefined };
    const query = "INSERT INTO deliveries (hook, at, id, type, payload, state) VALUES (?, ?, ?, ?, ?, ?)";
    this.#memory.run(query, hook, at, id, type, payload, stateShape.write(state));
    const all = this.#load().get(hook) ?? [];
    const place = all.findLastIndex((one) => one.at < at || (one.at === at && one.id < id));
    all.splice(place + 1, 0, { hook, at, id, type, ...state });
    this.#load().set(hook, all);
  }

  /** @returns the delivery as it is now */
  change(delivery: Delivery, state: DeliveryState): Delivery {
    const { hook, at, id, type } = delivery;
    const text = stateShape.write(state);
    this.#memory.run("UPDATE deliveries SET state = ? WHERE hook = ? AND at = ? AND id = ?", text, hook, at, id);
    return this.#inMemory({ hook, at, id, type, ...state });
  }

  /** All that wait are due, because the receiver is back. In memory only: their rows have a later time, which does no harm. */
  bringForward(hook: string, now: number): void {
    for (const one of this.of(hook)) if (one.next !== undefined && one.next > now) this.#inMemory({ ...one, next: now });
  }

  remove({ hook, at, id }: Delivery): void {
    this.#memory.run("DELETE FROM deliveries WHERE hook = ? AND at = ? AND id = ?", hook, at, id);
    const left = this.of(hook).filter((one) => one.id !== id);
    if (left.length > 0) this.#load().set(hook, left);
    else this.#load().delete(hook);
  }

  /** Removes those that were given up long ago. @returns when it is to be called again, in milliseconds */
  removeOld(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const one of [...this.#load().values()].flat()) {
      if (one.failed === undefined) continue;
      if (one.failed + failedKept <= now) this.remove(one);
      else next = Math.min(next, one.failed + failedKept);
    }
    return next;
  }

  #inMemory(delivery: Delivery): Delivery {
    const all = this.#load().get(delivery.hook) ?? [];
    const place = all.findIndex((one) => one.id === delivery.id);
    if (place >= 0) all[place] = delivery;
    return delivery;
  }

  /** If there are too many, the hook with the most loses one: the oldest that was given up, or else the oldest that waits. */
  #makeRoom(): void {
    const all = [...this.#load().values()];
    if (all.reduce((sum, { length }) => sum + length, 0) < maxDeliveries) return;
    const [largest = []] = all.toSorted((one, other) => other.length - one.length);
    const lost = largest.find(({ failed }) => failed !== undefined) ?? largest[0];
    if (lost === undefined) return;
    console.error(JSON.stringify({ note: "an event is lost for a web hook: too many wait", hook: lost.hook, id: lost.id }));
    this.remove(lost);
  }

  #load(): Map<string, Delivery[]> {
    if (this.#known !== undefined) return this.#known;
    const rows = this.#memory.all<Row>("SELECT hook, at, id, type, state FROM deliveries ORDER BY hook, at, id");
    const all = rows.map(({ state, ...place }): Delivery => ({ ...place, ...stateShape.read(state) }));
    this.#known = Map.groupBy(all, ({ hook }) => hook);
    return this.#known;
  }
}
