import { storedShape } from "../../../platform/stored-shape.ts";
import type { EventPackage } from "../../../lib/presence/event-package.ts";
import { type BackEnd, never } from "../../../lib/presence/back-end.ts";
import type { Room } from "../room.ts";

interface Known {
  readonly byKey: Map<string, BackEnd>;
  readonly byCallId: Map<string, BackEnd>;
}

const backEndShape = storedShape<BackEnd>();

export const backEndsTable = {
  back_ends: "CREATE TABLE IF NOT EXISTS back_ends (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of back-end subscriptions, with the known state of each resource: each change writes one row at most. */
export class BackEnds {
  readonly #room: Room;
  #known: Known | undefined;
  #stamp = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  get(event: EventPackage, resource: string): BackEnd | undefined {
    return this.#load().byKey.get(keyOf({ event, resource }));
  }

  byCallId(callId: string): BackEnd | undefined {
    return this.#load().byCallId.get(callId);
  }

  all(): BackEnd[] {
    return [...this.#load().byKey.values()];
  }

  /** Without a known state memory is enough: if it is lost, the SUBSCRIBE is sent again. */
  put(backEnd: BackEnd): void {
    const known = this.#load();
    const key = keyOf(backEnd);
    const before = known.byKey.get(key);
    if (before !== undefined) known.byCallId.delete(before.callId);
    known.byKey.set(key, backEnd);
    known.byCallId.set(backEnd.callId, backEnd);
    if (backEnd.due < never) this.#room.alarm.noLaterThan(backEnd.due);
    if (backEnd.state === undefined || (before !== undefined && isSame(before, backEnd))) return;
    const query = "INSERT OR REPLACE INTO back_ends (id, value) VALUES (?, ?)";
    this.#room.memory.run(query, key, backEndShape.write(backEnd));
  }

  remove(backEnd: BackEnd): void {
    const known = this.#load();
    known.byKey.delete(keyOf(backEnd));
    known.byCallId.delete(backEnd.callId);
    if (backEnd.state !== undefined) this.#room.memory.run("DELETE FROM back_ends WHERE id = ?", keyOf(backEnd));
  }

  /** A stamp that is later than all before, also after an eviction. */
  nextStamp(now: number): number {
    this.#load();
    this.#stamp = Math.max(this.#stamp + 1, now);
    return this.#stamp;
  }

  /** The newest stamp: a watcher that has it needs no notification. */
  get stamp(): number {
    this.#load();
    return this.#stamp;
  }

  #load(): Known {
    if (this.#known === undefined) {
      this.#known = { byKey: new Map(), byCallId: new Map() };
      for (const { value } of this.#room.memory.all<{ value: string }>("SELECT value FROM back_ends")) {
        const backEnd = backEndShape.read(value);
        this.#known.byKey.set(keyOf(backEnd), backEnd);
        this.#known.byCallId.set(backEnd.callId, backEnd);
        this.#stamp = Math.max(this.#stamp, backEnd.stamp);
      }
    }
    return this.#known;
  }
}

/** The time of the next SUBSCRIBE may be lost: then it is sent sooner. */
function isSame(one: BackEnd, other: BackEnd): boolean {
  const lasting = (backEnd: BackEnd) => JSON.stringify({ ...backEnd, due: 0, failures: 0 });
  return lasting(one) === lasting(other);
}

function keyOf({ event, resource }: Pick<BackEnd, "event" | "resource">): string {
  return `${event} ${resource}`;
}
