import { type DeviceNote, emptyNote, isEmptyNote } from "../../lib/push/device-note.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import type { Room } from "./room.ts";

/** The note of a sleeping phone, and what is to be done with it. */
export interface StoredNote {
  readonly note: DeviceNote;
  /** Milliseconds: when it is sent; absent if the push notification service has it. */
  readonly due?: number;
  /** Attempts that have failed. */
  readonly attempts: number;
  /** Grows with each change. */
  readonly version: number;
}

const noteShape = storedShape<StoredNote>();
/** Notes of one home: more phones cannot be registered. */
const maxNotes = 100;

export const pushNotesTable = {
  push_notes: "CREATE TABLE IF NOT EXISTS push_notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of the notes for sleeping phones, by the keys of their bindings; in memory too. */
export class PushNotes {
  readonly #room: Room;
  #rows: Map<string, StoredNote> | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  all(): ReadonlyMap<string, StoredNote> {
    return this.#load();
  }

  /** The note of a phone changes, and is sent. */
  change(key: string, change: (note: DeviceNote) => DeviceNote, now: number): void {
    const before = this.#load().get(key) ?? { note: emptyNote, attempts: 0, version: 0 };
    const note = change(before.note);
    if (note === before.note) return;
    if (!this.#load().has(key) && this.#load().size >= maxNotes) return;
    this.#put(key, { note, due: now, attempts: 0, version: before.version + 1 });
  }

  /** The push notification service has the note, as it was then. It is remembered if the next one has to say the same again. */
  sent(key: string, version: number): void {
    const stored = this.#load().get(key);
    if (stored === undefined || stored.version !== version) return;
    if (isEmptyNote(stored.note)) return this.forget(key);
    this.#put(key, { note: stored.note, attempts: 0, version });
  }

  /** It is sent again, or not any more. */
  failed(key: string, version: number, due: number | undefined): void {
    const stored = this.#load().get(key);
    if (stored === undefined || stored.version !== version) return;
    const { note, attempts } = stored;
    this.#put(key, { note, attempts: attempts + 1, version, ...(due === undefined ? {} : { due }) });
  }

  forget(key: string): void {
    if (!this.#load().delete(key)) return;
    this.#room.memory.run("DELETE FROM push_notes WHERE key = ?", key);
  }

  #put(key: string, stored: StoredNote): void {
    this.#load().set(key, stored);
    this.#room.memory.run("INSERT OR REPLACE INTO push_notes (key, value) VALUES (?, ?)", key, noteShape.write(stored));
  }

  #load(): Map<string, StoredNote> {
    if (this.#rows === undefined) {
      const rows = this.#room.memory.all<{ key: string; value: string }>("SELECT key, value FROM push_notes");
      this.#rows = new Map(rows.map(({ key, value }) => [key, noteShape.read(value)]));
    }
    return this.#rows;
  }
}
