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
  /** The receiver took others, and not this one. */
  readonly isRefused?: true;
  /** Who has caused the event; absent if that is not known. */
  readonly cause?: string;
}

/** An event for one hook, that is not delivered yet; without its payload. */
export interface Delivery extends DeliveryState, DeliveryPlace, Pick<QueuedEvent, "type"> {
  readonly hook: string;
}

export type WaitingDelivery = Delivery & { readonly next: number };

/** Of all hooks of the domain. */
const maxDeliveries = 10_000;
/** Events that are lost first, if there are too many: the present state of a phone can be asked for. */
const transient: readonly string[] = [
  "call.started",
  "call.ringing",
  "call.answered",
  "registered",
  "unregistered",
  "test",
] satisfies readonly Delivery["type"][];
/** Milliseconds from one line of the log about lost events to the next one, for each hook. */
const lossReportedEvery = 60_000;
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
  readonly #losses = new Map<string, { count: number; reportedAt: number }>();

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

  /** Undefined if the delivery is not there any more. */
  payloadOf({ hook, at, id }: Delivery): string | undefined {
    const rows = this.#memory.all<{ payload: string }>("SELECT payload FROM deliveries WHERE hook = ? AND at = ? AND id = ?", hook, at, id);
    return rows[0]?.payload;
  }

  /** Saves an event for a hook, unless it is there already. */
  add(hook: string, { id, at, type, payload, cause }: QueuedEvent, now: number): void {
    if (this.find(hook, id) !== undefined) return;
    this.#makeRoom(now);
    const state: DeliveryState = { since: now, attempts: 0, next: now, last: undefined, ...(cause === undefined ? {} : { cause }) };
    const query = "INSERT INTO deliveries (hook, at, id, type, payload, state) VALUES (?, ?, ?, ?, ?, ?)";
    this.#memory.run(query, hook, at, id, type, payload, stateShape.write(state));
    const all = this.#load().get(hook) ?? [];
    const place = all.findLastIndex((one) => one.at < at || (one.at === at && one.id < id));
    all.splice(place + 1, 0, { hook, at, id, type, ...state });
    this.#load().set(hook, all);
  }

  /** @returns the delivery as it is now */
  change({ hook, at, id, type, cause }: Delivery, { since, attempts, last, next, failed, isRefused }: DeliveryState): Delivery {
    const state: DeliveryState = {
      ...{ since, attempts, last },
      ...(next === undefined ? {} : { next }),
      ...(failed === undefined ? {} : { failed }),
      ...(isRefused === undefined ? {} : { isRefused }),
      ...(cause === undefined ? {} : { cause }),
    };
    const text = stateShape.write(state);
    this.#memory.run("UPDATE deliveries SET state = ? WHERE hook = ? AND at = ? AND id = ?", text, hook, at, id);
    const changed = { hook, at, id, type, ...state };
    const all = this.#load().get(hook) ?? [];
    const place = all.findIndex((one) => one.id === id);
    if (place >= 0) all[place] = changed;
    return changed;
  }

  /**
   * These are due now. In memory, and the youngest in its row too: if the object loses its memory, that one is tried first, and shows again
   * that the receiver is back.
   */
  bringForward(hook: string, missed: readonly Delivery[], now: number): void {
    const ids = new Set(missed.map(({ id }) => id));
    const all = this.of(hook).map((one) => (ids.has(one.id) ? { ...one, next: now } : one));
    this.#load().set(hook, all);
    const youngest = all.findLast(({ id }) => ids.has(id));
    if (youngest !== undefined) this.change(youngest, youngest);
  }

  /** Removes all of a hook. */
  clear(hook: string): void {
    if (this.of(hook).length > 0) this.#memory.run("DELETE FROM deliveries WHERE hook = ?", hook);
    this.#load().delete(hook);
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

  /**
   * If there are too many, the hook with the most loses one, of the user who has caused the most of them: the oldest that was given up, or
   * else the oldest of those that matter least, or else the oldest.
   */
  #makeRoom(now: number): void {
    const all = [...this.#load().values()];
    if (all.reduce((sum, { length }) => sum + length, 0) < maxDeliveries) return;
    const [largest = []] = all.toSorted((one, other) => other.length - one.length);
    const most = ofMostFrequentCause(largest);
    const lost = most.find(({ failed }) => failed !== undefined) ?? most.find(({ type }) => transient.includes(type)) ?? most[0];
    if (lost === undefined) return;
    this.remove(lost);
    const loss = this.#losses.get(lost.hook) ?? { count: 0, reportedAt: Number.NEGATIVE_INFINITY };
    this.#losses.set(lost.hook, loss);
    loss.count += 1;
    if (now - loss.reportedAt < lossReportedEvery) return;
    console.error(
      JSON.stringify({ note: "events are lost for a web hook: too many wait", hook: lost.hook, id: lost.id, count: loss.count }),
    );
    this.#losses.set(lost.hook, { count: 0, reportedAt: now });
  }

  #load(): Map<string, Delivery[]> {
    if (this.#known !== undefined) return this.#known;
    const rows = this.#memory.all<Row>("SELECT hook, at, id, type, state FROM deliveries ORDER BY hook, at, id");
    const all = rows.map(({ state, ...place }): Delivery => ({ ...place, ...stateShape.read(state) }));
    this.#known = Map.groupBy(all, ({ hook }) => hook);
    return this.#known;
  }
}

/** In order; of two causes with as many, that of the older event. */
function ofMostFrequentCause(all: readonly Delivery[]): readonly Delivery[] {
  const counts = new Map<string, number>();
  for (const { cause = "" } of all) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  const [[most] = [""]] = [...counts].toSorted(([, one], [, other]) => other - one);
  return all.filter(({ cause = "" }) => cause === most);
}

export function isWaiting(delivery: Delivery): delivery is WaitingDelivery {
  return delivery.next !== undefined;
}
