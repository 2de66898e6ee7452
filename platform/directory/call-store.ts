import type { CallRecord } from "../../lib/proxy/call-record/call-record.ts";
import type { Outcome } from "../../lib/proxy/call-record/outcome.ts";
import { deleteInBatches } from "./delete-in-batches.ts";
import { guarded } from "./guarded.ts";

/** What is asked for: the newest calls first. Times in milliseconds. */
export interface CallQuery {
  /** Only calls before this one. */
  readonly before: { readonly started: number; readonly id: string } | undefined;
  readonly since: number;
  readonly until: number;
  /** An address of record: of the caller, or of the user who was called. */
  readonly user: string | undefined;
  readonly outcome: Outcome | undefined;
  /** A part of the dialled address, or of From. */
  readonly number: string | undefined;
  readonly limit: number;
}

/** A record that is kept for a domain. */
export interface KeptRecord {
  readonly domain: string;
  readonly record: CallRecord;
}

/** Statements of one batch. */
const maxBatch = 50;

/** The records of calls in the directory. */
export class CallStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  /**
   * Keeps records, each once, however often it is given: the last one counts. Only for domains that exist and keep records.
   * @param now milliseconds
   * @returns those that are kept, also if they were before
   */
  async insert(records: readonly CallRecord[], now: number): Promise<KeptRecord[]> {
    const given = records.flatMap((record) => record.domains.map((domain) => ({ domain, record })));
    const statements = given.map((one) => this.#insertion(one, now));
    const results: D1Result[] = [];
    if (statements.length === 1) for (const statement of statements) results.push(await statement.run());
    else
      for (let at = 0; at < statements.length; at += maxBatch)
        results.push(...(await this.#database.batch(statements.slice(at, at + maxBatch))));
    return given.filter((_record, index) => (results[index]?.meta.changes ?? 0) > 0);
  }

  #insertion({ domain, record }: KeptRecord, now: number): D1PreparedStatement {
    const { id, started, caller, callee, outcome, domains: _domains, ...more } = record;
    const text = JSON.stringify({ id, started, caller, callee, outcome, ...more, kept: now });
    return this.#database.prepare(insertion).bind(domain, started, id, caller, callee, outcome, text, domain);
  }

  /** A page of a domain's calls, the newest first. */
  async list(domain: string, { before, since, until, user, outcome, number, limit }: CallQuery): Promise<CallRecord[]> {
    const conditions: [string, readonly (string | number)[]][] = [["domain = ? AND started >= ? AND started <= ?", [domain, since, until]]];
    if (before !== undefined) conditions.push(["(started, id) < (?, ?)", [before.started, before.id]]);
    if (user !== undefined) conditions.push(["(caller = ? OR callee = ?)", [user, user]]);
    if (outcome !== undefined) conditions.push(["outcome = ?", [outcome]]);
    if (number !== undefined)
      conditions.push(["(instr(record ->> '$.dialled', ?) > 0 OR instr(record ->> '$.from', ?) > 0)", [number, number]]);
    const where = conditions.map(([condition]) => condition).join(" AND ");
    const query = this.#database.prepare(`SELECT record FROM calls WHERE ${where} ORDER BY started DESC, id DESC LIMIT ?`);
    const { results } = await query.bind(...conditions.flatMap(([, values]) => values), limit).all<{ record: string }>();
    return results.map(({ record }) => ({ ...(JSON.parse(record) as Omit<CallRecord, "domains">), domains: [domain] }));
  }

  async find(domain: string, started: number, id: string): Promise<CallRecord | undefined> {
    const query = this.#database.prepare("SELECT record FROM calls WHERE domain = ? AND started = ? AND id = ?");
    const row = await query.bind(domain, started, id).first<{ record: string }>();
    return row === null ? undefined : { ...(JSON.parse(row.record) as Omit<CallRecord, "domains">), domains: [domain] };
  }

  /** Counts of the calls that started at this time (milliseconds) or later, of each domain and outcome. */
  async countsSince(since: number): Promise<CallCounts[]> {
    const { results } = await this.#database.prepare(counting).bind(since).all<Record<string, number | string>>();
    return results.map((row) => ({
      ...{
        domain: String(row["domain"]),
        outcome: row["outcome"] as Outcome,
        calls: Number(row["calls"]),
        seconds: Number(row["seconds"]),
      },
      setup: durationsIn(row, "setup", setupBuckets),
      ring: durationsIn(row, "ring", ringBuckets),
      delay: durationsIn(row, "delay", delayBuckets),
    }));
  }

  /** Deletes the records of a user, who may have a new account of this name later. */
  async deleteOfUser(domain: string, user: string): Promise<void> {
    const query = this.#database.prepare("DELETE FROM calls WHERE domain = ? AND (caller = ? OR callee = ?)");
    await query.bind(domain, user, user).run();
  }

  async deleteOfDomain(domain: string): Promise<void> {
    await this.#database.prepare("DELETE FROM calls WHERE domain = ?").bind(domain).run();
  }

  /**
   * Deletes calls that are older than their domain keeps them, at most so many that the next run has to go on.
   * @param usualDays for domains that say nothing else
   */
  async deleteOld(now: number, usualDays: number): Promise<void> {
    await deleteInBatches(this.#database.prepare(deletion), now, usualDays);
  }
}

/** Seconds: upper bounds of the counts of setup times, of ringing times, and of the times until a record is kept. */
export const setupBuckets = [0.1, 0.25, 0.5, 1, 2, 5, 10] as const;
export const ringBuckets = [2, 5, 10, 20, 30, 60] as const;
export const delayBuckets = [1, 5, 15, 60, 300, 3600] as const;

/** How many calls took how long. */
export interface Durations {
  /** Of the calls that took at most as long as each bound. */
  readonly buckets: readonly number[];
  readonly count: number;
  /** Seconds. */
  readonly sum: number;
}

export interface CallCounts {
  readonly domain: string;
  readonly outcome: Outcome;
  readonly calls: number;
  /** Of all answered calls together. */
  readonly seconds: number;
  /** From the INVITE to the first ringing. */
  readonly setup: Durations;
  /** From the first ringing to the answer. */
  readonly ring: Durations;
  /** From the end of the call until its record was kept, which is the time in the queue, if there is one. */
  readonly delay: Durations;
}

function durationsIn(row: Readonly<Record<string, number | string>>, name: string, bounds: readonly number[]): Durations {
  const number = (part: string | number) => Number(row[`${name}_${part}`] ?? 0);
  return { buckets: bounds.map((_bound, index) => number(index)), count: number("count"), sum: number("sum") };
}

/** The columns of a duration: an expression in milliseconds that is null where there is none. */
function columnsOf(name: string, milliseconds: string, bounds: readonly number[]): string {
  const buckets = bounds.map((bound, index) => `COALESCE(SUM(${milliseconds} <= ${bound * 1000}), 0) AS ${name}_${index}`);
  return [...buckets, `COUNT(${milliseconds}) AS ${name}_count`, `COALESCE(SUM(${milliseconds}), 0) / 1000.0 AS ${name}_sum`].join(", ");
}

const member = (name: string) => `(record ->> '$.${name}')`;
const counting = `SELECT domain, outcome, COUNT(*) AS calls,
    COALESCE(SUM(${member("ended")} - ${member("answered")}), 0) / 1000.0 AS seconds,
    ${columnsOf("setup", `(${member("rang")} - started)`, setupBuckets)},
    ${columnsOf("ring", `(${member("answered")} - ${member("rang")})`, ringBuckets)},
    ${columnsOf("delay", `MAX(0, ${member("kept")} - ${member("ended")})`, delayBuckets)}
  FROM calls WHERE domain IN (SELECT name FROM domains) AND started >= ? GROUP BY domain, outcome`;

// The index of calls has the time behind the domain: each domain reads only what is too old.
const deletion = `DELETE FROM calls WHERE (domain, started, id) IN
  (SELECT calls.domain, calls.started, calls.id FROM domains CROSS JOIN calls ON calls.domain = domains.name
   AND calls.started < ?1 - COALESCE(json_extract(domains.settings, '$.callRecordDays'), ?2) * 86400000 LIMIT ?3)`;

const insertion = `INSERT OR REPLACE INTO calls (domain, started, id, caller, callee, outcome, record)
  SELECT ?, ?, ?, ?, ?, ?, ? FROM domains WHERE name = ? AND COALESCE(json_extract(settings, '$.callRecordDays'), 1) > 0`;
