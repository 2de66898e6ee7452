import type { Room } from "../room.ts";

/** Milliseconds that a watcher without a decision of the user is reported; and the maximum of such watchers, the newest. */
const maxWait = 7 * 86_400_000;
const maxWaiting = 50;

export const waitingTable = {
  waiting: "CREATE TABLE IF NOT EXISTS waiting (watcher TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID",
} as const;

/** Watchers whose subscriptions have ended before the user decided on them: the user may still do so (RFC 3857 §4.7.1 waiting). */
export class Waiting {
  readonly #room: Room;
  /** Until when each of them is reported, by address of record; the oldest first. */
  #known: Map<string, number> | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  all(now: number): string[] {
    return [...this.#load()].filter(([, until]) => until > now).map(([watcher]) => watcher);
  }

  add(watcher: string, now: number): void {
    this.forget(watcher);
    const until = now + maxWait;
    this.#load().set(watcher, until);
    this.#room.memory.run("INSERT OR REPLACE INTO waiting (watcher, until) VALUES (?, ?)", watcher, until);
    const [oldest] = this.#load().keys();
    if (this.#load().size > maxWaiting && oldest !== undefined) this.forget(oldest);
  }

  forget(watcher: string): void {
    if (this.#load().delete(watcher)) this.#room.memory.run("DELETE FROM waiting WHERE watcher = ?", watcher);
  }

  passDeadlines(now: number): void {
    for (const [watcher, until] of this.#load()) {
      if (until <= now) this.forget(watcher);
      else this.#room.alarm.noLaterThan(until);
    }
  }

  #load(): Map<string, number> {
    if (this.#known === undefined) {
      const rows = this.#room.memory.all<{ watcher: string; until: number }>("SELECT watcher, until FROM waiting ORDER BY until");
      this.#known = new Map(rows.map(({ watcher, until }) => [watcher, until]));
    }
    return this.#known;
  }
}
