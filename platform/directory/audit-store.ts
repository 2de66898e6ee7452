import { deleteInBatches } from "./delete-in-batches.ts";
import { guarded } from "./guarded.ts";

/** Who made a change: with ADMIN_TOKEN, with a key, or with the password of a subscriber. */
export type AuditedActor =
  | { readonly kind: "administrator" }
  | { readonly kind: "key"; readonly id: string; readonly name: string }
  | { readonly kind: "subscriber"; readonly name: string };

/** A change by the API, or one that was refused. */
export interface AuditEntry {
  /** Begins with the time: the place of the entry in the log. */
  readonly id: string;
  /** Milliseconds. */
  readonly at: number;
  /** Undefined: it concerns no domain, or all. */
  readonly domain: string | undefined;
  readonly actor: AuditedActor;
  /** The operationId. */
  readonly action: string;
  /** The path. */
  readonly target: string;
  readonly status: number;
}

/** What is asked for: the newest entries first. */
interface AuditQuery {
  /** Undefined: of all domains. */
  readonly domain: string | undefined;
  /** Only entries before this one: an id. */
  readonly before: string | undefined;
  /** Milliseconds. */
  readonly since: number;
  readonly limit: number;
}

const kept = 90 * 86_400_000;
const maxCount = 36 ** 4;

/** The audit log in the directory. */
export class AuditStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = guarded(database);
  }

  async insert({ id, at, domain = "", actor, action, target, status }: AuditEntry): Promise<void> {
    const query = this.#database.prepare("INSERT INTO audit (at, id, domain, actor, action, target, status) VALUES (?, ?, ?, ?, ?, ?, ?)");
    await query.bind(at, id, domain, JSON.stringify(actor), action, target, status).run();
  }

  /** A page. That of a domain has nothing of an older domain of this name, which was deleted. */
  async list({ domain, before, since, limit }: AuditQuery): Promise<AuditEntry[]> {
    const conditions: [string, readonly (string | number)[]][] = [["at >= ?", [since]]];
    if (domain !== undefined) conditions.push(["domain = ? AND at >= (SELECT created_at FROM domains WHERE name = ?)", [domain, domain]]);
    if (before !== undefined) conditions.push(["(at, id) < (?, ?)", [timeIn(before) ?? 0, before]]);
    const where = conditions.map(([condition]) => condition).join(" AND ");
    const query = this.#database.prepare(`SELECT * FROM audit WHERE ${where} ORDER BY at DESC, id DESC LIMIT ?`);
    const { results } = await query.bind(...conditions.flatMap(([, values]) => values), limit).all<Row>();
    return results.map(entryOf);
  }

  /** Deletes what is older than 90 days, at most so many entries that the next run has to go on. */
  async deleteOld(now: number): Promise<void> {
    const query = this.#database.prepare("DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM audit WHERE at < ? ORDER BY at LIMIT ?)");
    await deleteInBatches(query, now - kept);
  }
}

/**
 * The id of an entry.
 * @param count orders the entries of one writer within a millisecond
 * @param random distinguishes writers
 */
export function auditId(at: number, count: number, random: string): string {
  return `${at.toString(36)}-${(count % maxCount).toString(36).padStart(4, "0")}${random}`;
}

/** Milliseconds: when an entry was made; undefined if the text is not the id of one. */
export function timeIn(id: string): number | undefined {
  const [, digits] = /^([\da-z]{1,10})-[a-z0-9]{1,16}$/.exec(id) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

interface Row extends Omit<AuditEntry, "domain" | "actor"> {
  readonly domain: string;
  readonly actor: string;
}

function entryOf({ domain, actor, ...row }: Row): AuditEntry {
  return { ...row, domain: domain === "" ? undefined : domain, actor: JSON.parse(actor) as AuditedActor };
}
