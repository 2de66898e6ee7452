import type { Binding } from "../../lib/location/binding.ts";
import { type WhyUnregistered, registeredPhone } from "../../lib/web-hooks/event-data.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import type { Room } from "./room.ts";

const bindingShape = storedShape<Binding>();

export const bindingsTable = {
  bindings: "CREATE TABLE IF NOT EXISTS bindings (key TEXT PRIMARY KEY, lease INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of the bindings of a home, in memory too. Web hooks learn of new ones and of those that end. */
export class BindingRows {
  readonly #room: Room;
  #rows: Map<string, Binding> | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** By their keys. */
  load(): ReadonlyMap<string, Binding> {
    return this.#load();
  }

  put(binding: Binding): void {
    const { key, lease } = binding;
    this.#load().set(key, binding);
    this.#room.memory.run("INSERT OR REPLACE INTO bindings (key, lease, value) VALUES (?, ?, ?)", key, lease, bindingShape.write(binding));
  }

  /** @param userAgent what the phone says of itself, if it has ended its binding */
  remove(key: string, why: WhyUnregistered, now: number, userAgent?: string): void {
    const binding = this.#load().get(key);
    if (binding !== undefined) this.announceEnd(binding, why, now, userAgent);
    this.#load().delete(key);
    this.#room.memory.run("DELETE FROM bindings WHERE key = ?", key);
  }

  announceNew(binding: Binding, userAgent: string | undefined, now: number): void {
    this.#room.announcer.announce("registered", () => registeredPhone(this.#room.home, binding, userAgent), now);
  }

  announceEnd(binding: Binding, why: WhyUnregistered, now: number, userAgent?: string): void {
    this.#room.announcer.announce("unregistered", () => ({ ...registeredPhone(this.#room.home, binding, userAgent), why }), now);
  }

  #load(): Map<string, Binding> {
    if (this.#rows === undefined) {
      const rows = this.#room.memory.all<{ value: string }>("SELECT value FROM bindings");
      this.#rows = new Map(rows.map((row) => bindingShape.read(row.value)).map((binding) => [binding.key, binding]));
    }
    return this.#rows;
  }
}
