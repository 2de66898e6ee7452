import type { Publication, PublishOutcome } from "../../../lib/presence/publication.ts";
import type { Room } from "../../room/room.ts";

/** The rows of event state that was published for this home's user (RFC 3903 §6). */
export class Publications {
  readonly #room: Room;
  #rows: Map<string, Publication> | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Those of an event that have not expired, oldest first. */
  of(event: string, now: number): Publication[] {
    const valid = [...this.#load().values()].filter((one) => one.event === event && one.expires > now);
    return valid.sort((one, other) => one.at - other.at);
  }

  /** RFC 3903 §6 step 7: one row, whose entity-tag changes each time. */
  apply({ put, removed }: PublishOutcome): void {
    const { memory, alarm } = this.#room;
    if (removed !== undefined) this.#load().delete(removed);
    if (put === undefined) {
      if (removed !== undefined) memory.run("DELETE FROM publications WHERE tag = ?", removed);
      return;
    }
    this.#load().set(put.tag, put);
    const { tag, expires } = put;
    if (removed === undefined) memory.run("INSERT INTO publications (tag, due, value) VALUES (?, ?, ?)", tag, expires, JSON.stringify(put));
    else memory.run("UPDATE publications SET tag = ?, due = ?, value = ? WHERE tag = ?", tag, expires, JSON.stringify(put), removed);
    alarm.noLaterThan(expires);
  }

  /** Removes what has expired. */
  passDeadlines(now: number): void {
    for (const { tag, expires } of this.#load().values()) {
      if (expires > now) this.#room.alarm.noLaterThan(expires);
      else {
        this.#load().delete(tag);
        this.#room.memory.run("DELETE FROM publications WHERE tag = ?", tag);
      }
    }
  }

  #load(): Map<string, Publication> {
    if (this.#rows === undefined) {
      const rows = this.#room.memory.all<{ value: string }>("SELECT value FROM publications");
      this.#rows = new Map(rows.map(({ value }) => JSON.parse(value) as Publication).map((one) => [one.tag, one]));
    }
    return this.#rows;
  }
}
