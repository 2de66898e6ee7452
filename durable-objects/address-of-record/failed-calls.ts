import { parsedResponse } from "../shared/reparse.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import type { Part } from "./part.ts";
import { type FailedCall, type Failure, fitting, isOfCall, withoutSecrets } from "../../lib/failed-call.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { type Response, headerValue } from "../../lib/syntax/message.ts";
import { legible } from "../../lib/syntax/octets.ts";
import type { TraceEntry } from "../../lib/trace.ts";
import { isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import type { SharedAlarm } from "../../platform/alarm.ts";
import type { Sql } from "../../platform/sql.ts";
import { type TraceRecorder, methodOfResponse, warningIn } from "../../platform/trace-recorder.ts";

interface Row extends Record<string, string | number> {
  readonly number: number;
  readonly at: number;
  readonly caller: string;
}

/** Milliseconds that a failed call is kept; an older row may stay an hour longer, but is not shown. */
const lifetime = 86_400_000;
const slack = 3_600_000;
/** Maximum rows, in all and of one caller. */
const most = { all: 50, ofOne: 12 };
/** Maximum rows in a minute. */
const atOnce = { all: 10, ofOne: 3 };
const minute = 60_000;
/** Characters of a header's value. */
const maxValue = 256;

/** The phone sends the request again: these did not fail. */
const challenges = [401, 407];
/** Without a reason of ours the caller cancelled. */
const cancelled = 487;

const callShape = storedShape<FailedCall>();

export const failedCallsTable = {
  failed_calls:
    "CREATE TABLE IF NOT EXISTS failed_calls (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, caller TEXT NOT NULL, value TEXT NOT NULL)",
} as const;

/** Failed calls of this home's user, a row each: they explain a failure after all memory is gone. */
export class FailedCalls implements Part {
  readonly #isOff: boolean;
  readonly #memory: Sql;
  readonly #alarm: SharedAlarm;
  readonly #recorder: TraceRecorder;
  /** Milliseconds; until when no call gets a row. */
  #fullUntil = 0;

  constructor(home: HomeName, memory: Sql, alarm: SharedAlarm, recorder: TraceRecorder) {
    this.#isOff = isNonSubscriberHome(home) || recorder.isOff;
    this.#memory = memory;
    this.#alarm = alarm;
    this.#recorder = recorder;
  }

  /** Stores a call if it failed, and if there were not too many recently: one row. */
  keep(now: number, failure: Failure): void {
    const status = Number(failure.final.slice(8, 11));
    if (this.#isOff || status < 300 || now < this.#fullUntil || !this.#alarm.isReady) return;
    if (challenges.includes(status) || (status === cancelled && failure.why === undefined)) return;
    if (methodOfResponse(failure.final) !== "INVITE") return;
    const response = parsedResponse(failure.final);
    const caller = nameOf(failure.caller);
    const rows = this.#memory.all<Row>("SELECT number, at, caller FROM failed_calls ORDER BY at");
    if (this.#areTooMany(rows, caller, now)) return;
    const values = [now, caller, callShape.write(this.#callOf(failure, response, now))];
    const replaced = replacedIn(rows, caller, now);
    if (replaced === undefined) this.#memory.run("INSERT INTO failed_calls (at, caller, value) VALUES (?, ?, ?)", ...values);
    else this.#memory.run("UPDATE failed_calls SET at = ?, caller = ?, value = ? WHERE number = ?", ...values, replaced);
    this.#alarm.noLaterThan(now + lifetime, slack);
  }

  /** The calls of the last day, oldest first. */
  recent(now: number): FailedCall[] {
    if (this.#isOff) return [];
    const rows = this.#memory.all<{ value: string }>("SELECT value FROM failed_calls WHERE at > ? ORDER BY at", now - lifetime);
    return rows.map(({ value }) => callShape.read(value));
  }

  /** Deletes old rows. */
  onAlarm(now: number): void {
    if (this.#isOff) return;
    const [oldest] = this.#memory.all<{ at: number | null }>("SELECT MIN(at) AS at FROM failed_calls");
    if (oldest?.at === undefined || oldest.at === null) return;
    if (oldest.at > now - lifetime) return this.#alarm.noLaterThan(oldest.at + lifetime, slack);
    this.#memory.run("DELETE FROM failed_calls WHERE at <= ?", now - lifetime);
    this.onAlarm(now);
  }

  /** In a flood of failing calls not each one costs a row, also if the object sleeps between them. */
  #areTooMany(rows: readonly Row[], caller: string, now: number): boolean {
    const recent = rows.filter(({ at }) => at > now - minute);
    const [first] = recent;
    if (first !== undefined && recent.length >= atOnce.all) this.#fullUntil = first.at + minute;
    return recent.length >= atOnce.all || rowsOf(recent, caller).length >= atOnce.ofOne;
  }

  #callOf({ side, final, flow, invite, since, why = warningIn(final) }: Failure, response: Response, now: number): FailedCall {
    const [callId = "", from = "", to = ""] = ["call-id", "from", "to"].map((name) => headerValue(response, name)?.slice(0, maxValue));
    const whole = headerValue(response, "call-id") ?? "";
    const known = this.#recorder.matching((text) => isOfCall(text, whole));
    const hasInvite = known.some(({ direction, text }) => direction === "in" && text.startsWith("INVITE "));
    const first: TraceEntry[] = invite === undefined || hasInvite ? [] : [{ at: since ?? now, direction: "in", ...invite }];
    const isLast = known.at(-1)?.direction === "out" && known.at(-1)?.text === final.slice(0, known.at(-1)?.text.length);
    const last: TraceEntry[] = isLast ? [] : [{ at: now, direction: "out", flow, text: final }];
    const messages = [...first, ...known, ...last].map((entry) => ({ ...entry, text: legible(withoutSecrets(entry.text)) }));
    return {
      ...{ at: now, callId, side, status: response.status, reason: legible(response.reason, maxValue) },
      ...(why === undefined ? {} : { why: legible(why, maxValue) }),
      ...{ from: legible(from), to: legible(to), ...(since === undefined ? {} : { ms: now - since }), messages: fitting(messages) },
    };
  }
}

/** The row that a new call replaces: one that is too old, or the oldest if there are enough, in all or of its caller. */
function replacedIn(rows: readonly Row[], caller: string, now: number): number | undefined {
  const [oldest] = rows;
  if (oldest !== undefined && oldest.at <= now - lifetime) return oldest.number;
  const own = rowsOf(rows, caller);
  if (own.length >= most.ofOne) return own[0]?.number;
  return rows.length >= most.all ? oldest?.number : undefined;
}

/**
 * The rows of one caller, whose calls must not push out those of others; the user's own calls, and those of trunks, have no caller here.
 */
function rowsOf(rows: readonly Row[], caller: string): readonly Row[] {
  return caller === "" ? [] : rows.filter((row) => row.caller === caller);
}

/** Guests and peers count as one caller, because they can have any number of names. */
function nameOf(home: HomeName | undefined): string {
  if (home === undefined || isHopName(home)) return "";
  return isNonSubscriberHome(home) ? "visitors" : home;
}
