import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Dialog } from "./dialog.ts";
import type { Sent } from "./phone.ts";
import type { Server } from "./server.ts";

type Value = string | number | null;

/** The storage of homes as an older build has left it, and what its phones knew. */
export interface StoredHomes {
  /** Milliseconds; when it was read. */
  readonly base: number;
  /** The statements that made the tables. */
  readonly schema: readonly string[];
  /** Rows by home and table. */
  readonly homes: Readonly<Record<string, Readonly<Record<string, readonly Readonly<Record<string, Value>>[]>>>>;
  readonly told: {
    /** Of ben's publication. */
    readonly etag: string;
    readonly call: { readonly callerSide: Dialog; readonly calleeSide: Dialog };
    /** Of cat to dan. */
    readonly invite: Sent;
    /** NOTIFYs of ann's subscriptions, as they came. */
    readonly presence: string;
    readonly list: string;
    /** INFO of ann to ben. */
    readonly info: Sent;
  };
}

/** Reads what was made by the code at a commit; its times are moved to the present. */
export function readStoredHomes(commit: string): StoredHomes {
  const text = readFileSync(join(import.meta.dirname, `../wire/storage/${commit}.json`), "utf8");
  const { base } = JSON.parse(text) as StoredHomes;
  const shift = Date.now() - base;
  const isTime = (number: number) => Math.abs(number - base) < 30 * 86_400_000;
  const moved = text.replace(/(?<![\w.-])\d{13}(?!\d)/g, (digits) => (isTime(Number(digits)) ? `${Number(digits) + shift}` : digits));
  return JSON.parse(moved) as StoredHomes;
}

/** Puts rows into homes that nobody has opened in this server, and takes these out of memory. */
export async function putStoredHomes(server: Server, stored: StoredHomes): Promise<void> {
  const database = await server.miniflare().getD1Database("DIRECTORY");
  for (const [home, tables] of Object.entries(stored.homes)) {
    for (const statement of stored.schema) await server.query(home, statement);
    for (const [table, rows] of Object.entries(tables)) for (const row of rows) await server.query(home, insertion(table, row));
    const username = home.slice("sip:".length, home.lastIndexOf("@"));
    await database.prepare("UPDATE subscribers SET opened_at = 1 WHERE username = ?").bind(username).run();
    await server.evict(home, "close");
  }
}

function insertion(table: string, row: Readonly<Record<string, Value>>): string {
  const values = Object.values(row).map((value) => (typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : `${value}`));
  return `INSERT INTO ${table} (${Object.keys(row).join(", ")}) VALUES (${values.join(", ")})`;
}
