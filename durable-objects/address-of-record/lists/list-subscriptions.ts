import { type Members, renamed } from "../../../lib/transport/older-shapes.ts";
import { storedShape } from "../../../platform/stored-shape.ts";
import type { ListSubscription } from "../../../lib/presence/list-subscription.ts";
import type { Room } from "../room.ts";

/** Until November 2026 the longest pause had another name. */
const subscriptionShape = storedShape<ListSubscription>(({ rates, ...older }) => ({
  ...older,
  rates: renamed(rates as Members, [["longestPause", "maxPause"]]),
}));

export const listSubscriptionsTable = {
  list_subscriptions:
    "CREATE TABLE IF NOT EXISTS list_subscriptions (id TEXT PRIMARY KEY, due INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of this user's subscriptions to lists: the user's home is the server of all lists that the user watches (RFC 4662 §2). */
export class ListSubscriptions {
  readonly #room: Room;
  #rows: Map<string, ListSubscription> | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  get(id: string): ListSubscription | undefined {
    return this.#load().get(id);
  }

  /** Including those that only wait for their last notification. */
  all(): ListSubscription[] {
    return [...this.#load().values()];
  }

  current(): ListSubscription[] {
    return this.#load().size === 0 ? [] : this.all().filter(({ ended }) => ended === undefined);
  }

  put(subscription: ListSubscription): void {
    const { id, expires } = subscription;
    this.#load().set(id, subscription);
    const query = "INSERT OR REPLACE INTO list_subscriptions (id, due, value) VALUES (?, ?, ?)";
    this.#room.memory.run(query, id, expires, subscriptionShape.write(subscription));
    this.#room.alarm.noLaterThan(expires);
  }

  remove(id: string): void {
    if (this.#load().delete(id)) this.#room.memory.run("DELETE FROM list_subscriptions WHERE id = ?", id);
  }

  #load(): Map<string, ListSubscription> {
    if (this.#rows === undefined) {
      const rows = this.#room.memory.all<{ value: string }>("SELECT value FROM list_subscriptions");
      this.#rows = new Map(rows.map(({ value }) => subscriptionShape.read(value)).map((one) => [one.id, one]));
    }
    return this.#rows;
  }
}
