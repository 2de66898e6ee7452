import { maskUri } from "../../lib/syntax/masks.ts";
import type { TraceEntry } from "../../lib/trace.ts";
import { wantsCall } from "../../lib/domain-trace.ts";
import { callIdOf, hasCallId, withoutSecrets } from "../../lib/failed-call.ts";
import type { DomainTrace } from "../../lib/location/domain-settings.ts";
import { legible } from "../../lib/syntax/octets.ts";
import { plainHash } from "../../lib/syntax/plain-hash.ts";
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

/** Calls whose messages are kept because their domain has a trace, each for a day at most. */
const maxFollowed = 50;

/** The row that has the end of the time in which all messages are kept, in place of a message, and the calls that are followed. */
const endRow = 0;

/** Milliseconds until when a call is followed, by the hash of its Call-ID; the oldest first. */
interface Followed {
  readonly calls?: Readonly<Record<string, number>>;
}

/** What a home knows of its messages. */
interface Surroundings {
  /** Whether a connection has not authenticated. */
  isUnauthenticated(flow: string): boolean;
  /** What an administrator wants of the whole domain. */
  ofDomain(): DomainTrace | undefined;
  /** Messages before this one that are in memory, as octets. */
  earlier(isWanted: (text: string) => boolean): readonly TraceEntry[];
}

const entryShape = storedShape<TraceEntry>();
const followedShape = storedShape<Followed>();

export const keptTraceTable = {
  kept_trace: "CREATE TABLE IF NOT EXISTS kept_trace (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, value TEXT NOT NULL)",
} as const;

/** All messages of a home for some minutes, or those of some calls, because an administrator wants it: a row each, for a day. */
export class KeptTrace implements Part {
  readonly #memory: Sql;
  readonly #alarm: SharedAlarm;
  readonly #surroundings: Surroundings;
  /** Milliseconds; undefined until it is read after the object woke up. */
  #until: number | undefined;
  #next = 1;
  /** The number of the oldest row. */
  #first = 1;
  #calls = new Map<string, number>();
  #unauthenticated = 0;

  constructor(memory: Sql, alarm: SharedAlarm, surroundings: Surroundings) {
    this.#memory = memory;
    this.#alarm = alarm;
    this.#surroundings = surroundings;
  }

  /** Keeps the messages from now on; those of an earlier time that is over make room. @param until milliseconds */
  begin(until: number, now: number): void {
    this.#read();
    if (this.#until !== 0 && (this.#until ?? 0) <= now) this.forget();
    this.#until = until;
    this.#writeEnd(now);
  }

  /** Keeps the messages of a call, those too that are still in memory. @param text one of its messages */
  follow(text: string, now: number): void {
    this.#read();
    const callId = callIdOf(text);
    if (callId === undefined || this.#calls.has(plainHash(callId))) return;
    this.#calls.set(plainHash(callId), now + lifetime);
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > maxFollowed && oldest !== undefined) this.#calls.delete(oldest);
    this.#writeEnd(now);
    for (const entry of this.#surroundings.earlier((one) => hasCallId(one, callId))) if (entry.at >= (this.#until ?? 0)) this.#write(entry);
  }

  /** A message, or a note. Nothing is read or written before a client of the home has authenticated. */
  keep(entry: TraceEntry): void {
    if (!this.#alarm.isReady) return;
    this.#read();
    if (entry.at < (this.#until ?? 0) || this.#isOfFollowedCall(entry)) this.#write(entry);
  }

  /** Whether the message is of a call that is followed, or that is to be followed from now on because the domain has a trace. */
  #isOfFollowedCall({ at, direction, flow, text }: TraceEntry): boolean {
    const trace = this.#surroundings.ofDomain();
    if ((trace === undefined && this.#calls.size === 0) || direction === "note" || this.#surroundings.isUnauthenticated(flow)) return false;
    const callId = callIdOf(text);
    if (callId === undefined) return false;
    const known = this.#calls.get(plainHash(callId));
    if (known === undefined && wantsCall(trace, text, callId, at)) this.follow(text, at);
    return (known ?? this.#calls.get(plainHash(callId)) ?? 0) > at;
  }

  #write({ at, direction, flow, text }: TraceEntry): void {
    if (this.#next - this.#first >= most) return;
    if (this.#surroundings.isUnauthenticated(flow)) {
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

  #writeEnd(now: number): void {
    const value = followedShape.write(this.#calls.size === 0 ? {} : { calls: Object.fromEntries(this.#calls) });
    const row = "INSERT OR REPLACE INTO kept_trace (number, at, value) VALUES (?, ?, ?)";
    this.#memory.run(row, endRow, this.#until ?? 0, value);
    this.#alarm.noLaterThan(now + lifetime, slack);
  }

  forget(): void {
    this.#until = 0;
    this.#next = 1;
    this.#first = 1;
    this.#calls.clear();
    this.#unauthenticated = 0;
    this.#memory.run("DELETE FROM kept_trace WHERE number >= ?", endRow);
  }

  onSubscriberDeleted(): void {
    this.forget();
  }

  /** Deletes what is a day old. */
  onAlarm(now: number): void {
    if (this.#end() === undefined) return;
    this.#read();
    this.#memory.run("DELETE FROM kept_trace WHERE number > ? AND at <= ?", endRow, now - lifetime);
    const [{ oldest, first } = { oldest: null, first: null }] = this.#memory.all<{ oldest: number | null; first: number | null }>(
      "SELECT MIN(at) AS oldest, MIN(number) AS first FROM kept_trace WHERE number > ?",
      endRow,
    );
    this.#first = first ?? this.#next;
    if (oldest !== null) this.#alarm.noLaterThan(oldest + lifetime, slack);
    else if ((this.#until ?? 0) <= now && ![...this.#calls.values()].some((until) => until > now)) this.forget();
    else this.#alarm.noLaterThan(now + lifetime, slack);
  }

  /** Until when all messages are kept, and which calls are followed, as the row has it. */
  #end(): { readonly at: number; readonly value: string } | undefined {
    const [end] = this.#memory.all<{ at: number; value: string }>("SELECT at, value FROM kept_trace WHERE number = ?", endRow);
    return end;
  }

  #read(): void {
    if (this.#until !== undefined) return;
    const end = this.#end();
    this.#until = end?.at ?? 0;
    if (end === undefined) return;
    this.#calls = new Map(Object.entries(followedShape.read(end.value).calls ?? {}));
    const query = "SELECT MIN(number) AS first, MAX(number) AS last FROM kept_trace WHERE number > ?";
    const [rows] = this.#memory.all<{ first: number | null; last: number | null }>(query, endRow);
    this.#next = (rows?.last ?? 0) + 1;
    this.#first = rows?.first ?? this.#next;
  }
}
