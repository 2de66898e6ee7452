import type { PhoneId } from "../../lib/transport/identifiers.ts";
import { renamed } from "../../lib/transport/older-shapes.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import { isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import type { CallInProgress } from "../../lib/transport/flow.ts";
import type { Room } from "./room.ts";

/** Calls of a phone that has lost its socket. */
export interface Suspended {
  readonly activeCalls: readonly CallInProgress[];
  /** The Call-ID of its REGISTER: with another one the phone has restarted and does not know the calls (RFC 3261 §10.2.4). */
  readonly registration: string;
  /** A mark of its Contact: a reloaded page has another one too. */
  readonly contact?: string;
  /** Milliseconds; until when they count as calls of the user. */
  readonly until: number;
  /** Milliseconds: when the other ends get a BYE; absent in rows of older builds, and if no BYE is sent. */
  readonly dead?: number;
  /** Milliseconds: the BYEs are sent; until when the phone gets one too if it comes back and still has the call. */
  readonly over?: number;
}

const suspendedShape = storedShape<Suspended>((older) => renamed(older, [["dialogs", "activeCalls"]]));

export const suspendedCallsTable = {
  suspended_calls: "CREATE TABLE IF NOT EXISTS suspended_calls (phone TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of calls whose phones are away, by phone: lamps and limits must survive an eviction. */
export class SuspendedCalls {
  readonly #room: Room;
  readonly #known = new Map<string, Suspended>();
  #isRead = false;

  constructor(room: Room) {
    this.#room = room;
  }

  all(): ReadonlyMap<string, Suspended> {
    this.#read();
    return this.#known;
  }

  keep(phone: PhoneId, suspended: Suspended): void {
    this.#read();
    this.#known.set(phone, suspended);
    this.#room.memory.run("INSERT OR REPLACE INTO suspended_calls (phone, value) VALUES (?, ?)", phone, suspendedShape.write(suspended));
    const next = suspended.over ?? suspended.dead;
    if (next !== undefined) this.#room.alarm.noLaterThan(next);
  }

  forget(phone: PhoneId): void {
    this.#read();
    if (this.#known.delete(phone)) this.#room.memory.run("DELETE FROM suspended_calls WHERE phone = ?", phone);
  }

  /** A guest or peer has no tables before one of its calls is suspended. */
  #read(): void {
    if (this.#isRead || (isNonSubscriberHome(this.#room.home.name) && this.#room.sockets.all().length > 0)) return;
    this.#isRead = true;
    const rows = this.#room.memory.all<{ phone: PhoneId; value: string }>("SELECT phone, value FROM suspended_calls");
    for (const { phone, value } of rows) if (!this.#known.has(phone)) this.#known.set(phone, suspendedShape.read(value));
  }
}
