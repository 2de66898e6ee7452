import type { StoredShape } from "../../platform/stored-shape.ts";
import type { Room } from "./room.ts";

/** What is kept as one value, and when something has to be done for it, in milliseconds. */
interface Kept {
  readonly id: string;
  readonly due: number;
}

/** A table of values by their names, which are read once and then kept in memory, too. */
export class ValueRows<T extends Kept> {
  readonly #room: Room;
  readonly #table: string;
  readonly #shape: StoredShape<T>;
  #known: Map<string, T> | undefined;

  /** @param table with the columns `id` and `value` */
  constructor(room: Room, table: string, shape: StoredShape<T>) {
    this.#room = room;
    this.#table = table;
    this.#shape = shape;
  }

  keep(value: T): void {
    this.all().set(value.id, value);
    this.#room.memory.run(`INSERT OR REPLACE INTO ${this.#table} (id, value) VALUES (?, ?)`, value.id, this.#shape.write(value));
    this.#room.alarm.noLaterThan(value.due);
  }

  forget({ id }: Pick<T, "id">): void {
    if (this.all().delete(id)) this.#room.memory.run(`DELETE FROM ${this.#table} WHERE id = ?`, id);
  }

  all(): Map<string, T> {
    this.#known ??= new Map(
      this.#room.memory
        .all<{ id: string; value: string }>(`SELECT id, value FROM ${this.#table}`)
        .map(({ id, value }) => [id, this.#shape.read(value)]),
    );
    return this.#known;
  }

  /** The rows are deleted with their user. */
  wiped(): void {
    this.#known = undefined;
  }
}
