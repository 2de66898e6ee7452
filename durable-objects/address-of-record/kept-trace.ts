import { type TraceEntry, maskUri } from "../../lib/trace.ts";
import { withoutSecrets } from "../../lib/failed-call.ts";
import { legible } from "../../lib/syntax/octets.ts";
import type { SharedAlarm } from "../../platform/alarm.ts";
import type { Sql } from "../../platform/sql.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import type { Part } from "./part.ts";

/** Milliseconds that a message is kept; a row may stay an hour longer. */
const lifetime = 86_400_000;
const slack = 3_600_000;
/** Messages that are kept, and characters of each. */
const most = 2000;
const maxText = 6144;
/** Of those, messages of connections that have not authenticated, since the object has its memory: they cannot use up the rest. */
const maxUnauthenticated = 400;

/** The row that has the end of the time in which messages are kept, in place of a message. */
const endRow = 0;

const entryShape = storedShape<TraceEntry>();

export const keptTraceTable = {
  kept_trace: "CREATE TABLE IF NOT EXISTS kept_trace (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, value TEXT NOT NULL)",
} as const;

/** All messages of a home for some minutes, because an administrator wants it: a row each, for a day. */
export class KeptTrace implements Part {
  readonly #memory: Sql;
  readonly #alarm: SharedAlarm;
  readonly #isUnauthenticated: (flow: string) => boolean;
  /** Milliseconds; undefined until it is read after the object woke up. */
  #until: number | undefined;
  #next = 1;
  #unauthenticated = 0;

  /** @param isUnauthenticated whether a connection has not authenticated */
  constructor(memory: Sql, alarm: SharedAlarm, isUnauthenticated: (flow: string) => boolean) {
    this.#memory = memory;
    this.#alarm = alarm;
    this.#isUnauthenticated = isUnauthenticated;
  }

  /** Keeps the messages from now on; those of an earlier time that is over make room. @param until milliseconds */
  begin(until: number, now: number): void {
    this.#read();
    if ((this.#until ?? 0) <= now) this.forget();
    this.#until = until;
    this.#memory.run("INSERT OR REPLACE INTO kept_trace (number, at, value) VALUES (?, ?, '{}')", endRow, until);
    this.#alarm.noLaterThan(now + lifetime, slack);
  }

  /** A message, or a note. Nothing is read or written before a client of the home has authenticated. */
  keep({ at, direction, flow, text }: TraceEntry): void {
    if (!this.#alarm.isReady) return;
    this.#read();
    if (at >= (this.#until ?? 0) || this.#next > most) return;
    if (this.#isUnauthenticated(flow)) {
      if (this.#unauthenticated >= maxUnauthenticated) return;
      this.#unauthenticated += 1;
    }
    const shown = direction === "note" ? maskUri(text.slice(0, maxText)) : withoutSecrets(text);
    const value = entryShape.write({ at, direction, flow, text: legible(shown, maxText) });
    this.#memory.run("INSERT OR REPLACE INTO kept_trace (number, at, value) VALUES (?, ?, ?)", this.#next, at, value);
    this.#next += 1;
  }

  /** Oldest first. */
  entries(now: number): TraceEntry[] {
    const query = "SELECT value FROM kept_trace WHERE number > ? AND at > ? ORDER BY number";
    return this.#memory.all<{ value: string }>(query, endRow, now - lifetime).map(({ value }) => entryShape.read(value));
  }

  forget(): void {
    this.#until = 0;
    this.#next = 1;
    this.#unauthenticated = 0;
    this.#memory.run("DELETE FROM kept_trace WHERE number >= ?", endRow);
  }

  onSubscriberDeleted(): void {
    this.forget();
  }

  /** Deletes what is a day old. */
  onAlarm(now: number): void {
    if (this.#end() === undefined) return;
    this.#memory.run("DELETE FROM kept_trace WHERE number > ? AND at <= ?", endRow, now - lifetime);
    const [{ oldest } = { oldest: null }] = this.#memory.all<{ oldest: number | null }>(
      "SELECT MIN(at) AS oldest FROM kept_trace WHERE number > ?",
      endRow,
    );
    if (oldest !== null) this.#alarm.noLaterThan(oldest + lifetime, slack);
    else if ((this.#end() ?? 0) <= now) this.forget();
    else this.#alarm.noLaterThan(now + lifetime, slack);
  }

  /** Until when messages are kept, as the row has it. */
  #end(): number | undefined {
    const [end] = this.#memory.all<{ at: number }>("SELECT at FROM kept_trace WHERE number = ?", endRow);
    return end?.at;
  }

  #read(): void {
    if (this.#until !== undefined) return;
    this.#until = this.#end() ?? 0;
    const [last] = this.#memory.all<{ number: number | null }>("SELECT MAX(number) AS number FROM kept_trace");
    this.#next = (last?.number ?? 0) + 1;
  }
}
