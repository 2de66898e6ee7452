import { storedShape } from "../../../platform/stored-shape.ts";
import type { Publication, PublishOutcome } from "../../../lib/presence/publication.ts";
import type { Room } from "../room.ts";

const publicationShape = storedShape<Publication>();

export const publicationsTable = {
  publications: "CREATE TABLE IF NOT EXISTS publications (id TEXT PRIMARY KEY, due INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of event state that was published for this home's user (RFC 3903 §6). */
export class Publications {
  readonly #room: Room;
  #rows: Map<string, Publication> | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** The publications of an event that have not expired, oldest first. */
  of(event: string, now: number): Publication[] {
    const valid = [...this.#load().values()].filter((one) => one.event === event && one.expires > now);
    return valid.sort((one, other) => one.at - other.at);
  }

  /** RFC 3903 §6 step 7: one row, whose entity-tag changes each time. */
  apply({ put, removed }: Pick<PublishOutcome, "put" | "removed">): void {
    if (removed !== undefined) this.#remove(removed);
    if (put === undefined) return;
    const { id, expires } = put;
    this.#load().set(id, put);
    this.#room.memory.run(
      "INSERT OR REPLACE INTO publications (id, due, value) VALUES (?, ?, ?)",
      id,
      expires,
      publicationShape.write(put),
    );
    this.#room.alarm.noLaterThan(expires);
  }

  /** Removes expired publications. */
  passDeadlines(now: number): void {
    for (const { id, expires } of this.#load().values()) {
      if (expires > now) this.#room.alarm.noLaterThan(expires);
      else this.#remove(id);
    }
  }

  #remove(id: string): void {
    if (this.#load().delete(id)) this.#room.memory.run("DELETE FROM publications WHERE id = ?", id);
  }

  #load(): Map<string, Publication> {
    if (this.#rows === undefined) {
      const rows = this.#room.memory.all<{ value: string }>("SELECT value FROM publications");
      this.#rows = new Map(rows.map(({ value }) => publicationShape.read(value)).map((one) => [one.id, one]));
    }
    return this.#rows;
  }
}
