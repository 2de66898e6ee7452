import type { EventPackage } from "../../../lib/presence/event-package.ts";
import type { Subscription } from "../../../lib/presence/subscription.ts";
import type { Room } from "../../room/room.ts";

/** The rows of those who watch this home's user. */
export class Subscriptions {
  readonly #room: Room;
  #rows: Map<string, Subscription> | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  get(id: string): Subscription | undefined {
    const found = this.#load().get(id);
    return found?.ended === undefined ? found : undefined;
  }

  all(): Subscription[] {
    return [...this.#load().values()].filter(({ ended }) => ended === undefined);
  }

  /** Those of which only the last notification is left to be told. */
  ended(): Subscription[] {
    return [...this.#load().values()].filter(({ ended }) => ended !== undefined);
  }

  of(event: EventPackage): Subscription[] {
    return this.all().filter((one) => one.event === event);
  }

  /** Whether anybody watches anything: asked after each event. */
  isEmpty(): boolean {
    return this.#load().size === 0;
  }

  put(subscription: Subscription): void {
    const { id, expires } = subscription;
    this.#load().set(id, subscription);
    this.#room.memory.run(
      "INSERT OR REPLACE INTO subscriptions (id, due, value) VALUES (?, ?, ?)",
      id,
      expires,
      JSON.stringify(subscription),
    );
    this.#room.alarm.noLaterThan(expires);
  }

  remove(id: string): void {
    if (this.#load().delete(id)) this.#room.memory.run("DELETE FROM subscriptions WHERE id = ?", id);
  }

  #load(): Map<string, Subscription> {
    if (this.#rows === undefined) {
      const rows = this.#room.memory.all<{ value: string }>("SELECT value FROM subscriptions");
      this.#rows = new Map(rows.map(({ value }) => JSON.parse(value) as Subscription).map((one) => [one.id, one]));
    }
    return this.#rows;
  }
}
