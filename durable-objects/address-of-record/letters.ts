import type { RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import type { Room } from "../room/room.ts";

export type Letter = RequestEnvelope | ResponseEnvelope;

interface Row extends Record<string, string | number> {
  readonly number: number;
  readonly value: string;
}

/** A message that was put on a socket which may have been dead already. */
interface Recent {
  readonly phone: string;
  readonly at: number;
  readonly letter: Letter;
}

/** Milliseconds; then its sender has given up (64*T1), or the object has slept and forgotten it. */
const recentFor = 30_000;
const recentsKept = 100;
const lettersKept = 200;

/**
 * Messages for phones that are away for a moment. Each stays in its row until its time is over, and is handed to every socket that
 * the phone comes back on meanwhile: what arrives twice is a retransmission to the phone, what was lost would be a lost call.
 * What was sent on a socket shortly before the phone came back on another, and has not been answered, goes to it again as well.
 */
export class Letters {
  readonly #room: Room;
  /** By branch or transaction. */
  readonly #recent = new Map<string, Recent>();
  /** Those handed to a phone since the object woke up. */
  readonly #handed = new Set<number>();

  constructor(room: Room) {
    this.#room = room;
  }

  /**
   * @param due milliseconds; until when the phone is waited for
   * @returns false if too many are waiting: nobody fills another's storage
   */
  keep(phone: string, letter: Letter, due: number): boolean {
    const [{ count } = { count: 0 }] = this.#room.memory.all<{ count: number }>("SELECT COUNT(*) AS count FROM letters");
    if (count >= lettersKept) return false;
    this.#room.memory.run("INSERT INTO letters (phone, due, value) VALUES (?, ?, ?)", phone, due, JSON.stringify(letter));
    this.#room.alarm.noLaterThan(due);
    return true;
  }

  /** Remembers, in memory only, what was sent to a phone until it has surely arrived. */
  sent(key: string, phone: string, letter: Letter, now: number): void {
    this.#recent.delete(key);
    this.#recent.set(key, { phone, letter, at: now });
    const oldest = this.#recent.keys().next();
    if (this.#recent.size > recentsKept && oldest.done !== true) this.#recent.delete(oldest.value);
  }

  /** The phone has answered. */
  arrived(key: string): void {
    this.#recent.delete(key);
  }

  /** What waits for a phone that is back, or may not have reached it, oldest first. */
  for(phone: string, now: number): Letter[] {
    const recent = [...this.#recent.values()].filter((one) => one.phone === phone && now - one.at < recentFor);
    const rows = this.#room.memory.all<Row>("SELECT number, value FROM letters WHERE phone = ? AND due > ? ORDER BY number", phone, now);
    for (const { number } of rows) this.#handed.add(number);
    return [...recent.map(({ letter }) => letter), ...rows.map(({ value }) => JSON.parse(value) as Letter)];
  }

  /** Removes those whose time is over; returns what has reached nobody. */
  expire(now: number): Letter[] {
    const rows = this.#room.memory.all<Row & { readonly due: number }>("SELECT number, due, value FROM letters");
    const lost: Letter[] = [];
    for (const { number, due, value } of rows) {
      if (due > now) {
        this.#room.alarm.noLaterThan(due);
        continue;
      }
      if (!this.#handed.delete(number)) lost.push(JSON.parse(value) as Letter);
      this.#room.memory.run("DELETE FROM letters WHERE number = ?", number);
    }
    return lost;
  }
}
