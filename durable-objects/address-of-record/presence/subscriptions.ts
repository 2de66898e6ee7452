import type { HomeName } from "../../../lib/transport/identifiers.ts";
import { type Members, renamed } from "../../../lib/transport/older-shapes.ts";
import { storedShape } from "../../../platform/stored-shape.ts";
import type { EventPackage } from "../../../lib/presence/event-package.ts";
import type { Subscription } from "../../../lib/presence/subscription.ts";
import type { Room } from "../room.ts";

/** The rows in memory, indexed: there may be thousands. */
interface Known {
  readonly byId: Map<string, Subscription>;
  readonly byEvent: Map<EventPackage, Map<string, Subscription>>;
  readonly ended: Map<string, Subscription>;
  /** The number of each watcher's subscriptions. */
  readonly counts: Map<string, number>;
}

/** Until November 2026 the longest pause had another name. */
const subscriptionShape = storedShape<Subscription>(({ rates, ...older }) => ({
  ...older,
  rates: renamed(rates as Members, [["longestPause", "maxPause"]]),
}));

export const subscriptionsTable = {
  subscriptions: "CREATE TABLE IF NOT EXISTS subscriptions (id TEXT PRIMARY KEY, due INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of this user's watchers. */
export class Subscriptions {
  readonly #room: Room;
  #loaded: Known | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  get(id: string): Subscription | undefined {
    return this.#known().byId.get(id);
  }

  all(): Iterable<Subscription> {
    return this.#known().byId.values();
  }

  count(): number {
    return this.#known().byId.size;
  }

  countOf(watcher: string): number {
    return this.#known().counts.get(watcher) ?? 0;
  }

  countThose(isOne: (watcher: string) => boolean): number {
    return [...this.#known().counts].reduce((sum, [watcher, count]) => sum + (isOne(watcher) ? count : 0), 0);
  }

  /** The number of subscriptions from a home, or from the connection to another server. */
  countFrom(home: HomeName): number {
    let count = 0;
    for (const { end } of this.#known().byId.values()) if (end.home === home) count += 1;
    return count;
  }

  of(event: EventPackage): Subscription[] {
    return [...(this.#known().byEvent.get(event)?.values() ?? [])];
  }

  /** The packages with watchers: needed after each event. */
  watched(): EventPackage[] {
    return [...this.#known().byEvent.keys()];
  }

  /** Those that only wait for their last notification. */
  ended(): Subscription[] {
    return [...this.#known().ended.values()];
  }

  put(subscription: Subscription): void {
    const { id, expires } = subscription;
    drop(this.#known(), id);
    add(this.#known(), subscription);
    this.#room.memory.run(
      "INSERT OR REPLACE INTO subscriptions (id, due, value) VALUES (?, ?, ?)",
      id,
      expires,
      subscriptionShape.write(subscription),
    );
    this.#room.alarm.noLaterThan(expires);
  }

  remove(id: string): void {
    if (drop(this.#known(), id)) this.#room.memory.run("DELETE FROM subscriptions WHERE id = ?", id);
  }

  #known(): Known {
    if (this.#loaded === undefined) {
      this.#loaded = { byId: new Map(), byEvent: new Map(), ended: new Map(), counts: new Map() };
      for (const { value } of this.#room.memory.all<{ value: string }>("SELECT value FROM subscriptions"))
        add(this.#loaded, subscriptionShape.read(value));
    }
    return this.#loaded;
  }
}

function add({ byId, byEvent, ended, counts }: Known, subscription: Subscription): void {
  const { id, event, watcher } = subscription;
  if (subscription.ended !== undefined) {
    ended.set(id, subscription);
    return;
  }
  byId.set(id, subscription);
  counts.set(watcher, (counts.get(watcher) ?? 0) + 1);
  const ofEvent = byEvent.get(event) ?? new Map<string, Subscription>();
  byEvent.set(event, ofEvent.set(id, subscription));
}

/** @returns whether it was there */
function drop({ byId, byEvent, ended, counts }: Known, id: string): boolean {
  const found = byId.get(id);
  if (found === undefined) return ended.delete(id);
  const { event, watcher } = found;
  byId.delete(id);
  const left = (counts.get(watcher) ?? 1) - 1;
  if (left > 0) counts.set(watcher, left);
  else counts.delete(watcher);
  const ofEvent = byEvent.get(event);
  ofEvent?.delete(id);
  if (ofEvent?.size === 0) byEvent.delete(event);
  return true;
}
