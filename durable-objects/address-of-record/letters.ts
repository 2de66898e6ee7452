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
/** Letters of one kind that wait, and of one sender: nobody fills another's storage, or crowds out what ends a call. */
const mostOfKind = 200;
const mostOfSender = 40;
/** Notifications, the newest of each subscription. */
const mostStates = 1000;

/**
 * Messages for phones that are away for a moment. Each stays in its row until it is answered or its time is over, and is handed to
 * every socket that the phone comes back on meanwhile: what arrives twice is a retransmission to the phone, what was lost would be a
 * lost call. What was sent on a socket shortly before the phone came back on another, and has not been answered, goes to it again as well.
 */
export class Letters {
  readonly #room: Room;
  /** By branch or transaction. */
  readonly #recent = new Map<string, Recent>();
  /** Those handed to a phone since the object woke up. */
  readonly #handed = new Set<number>();
  /** The rows of letters, and of branches or transactions that have gone out from one. */
  readonly #numbers = new WeakMap<Letter, number>();
  readonly #unanswered = new Map<string, number>();

  constructor(room: Room) {
    this.#room = room;
  }

  /**
   * @param due milliseconds; until when the phone is waited for
   * @param topic of which only the newest letter counts, if there is one
   * @returns false if too many are waiting
   */
  keep(phone: string, letter: Letter, due: number, topic = ""): boolean {
    // One that has waited already is in its row.
    if (this.#numbers.has(letter)) return true;
    const { memory } = this.#room;
    if (topic !== "") memory.run("DELETE FROM letters WHERE phone = ? AND json_extract(value, '$.origin.topic') = ?", phone, topic);
    const { kind, sender } = originOf(letter, topic);
    const [{ total, own } = { total: 0, own: 0 }] = memory.all<{ total: number; own: number }>(
      `SELECT COUNT(*) AS total, COALESCE(SUM(json_extract(value, '$.origin.sender') = ?), 0) AS own
        FROM letters WHERE json_extract(value, '$.origin.kind') = ?`,
      ...[sender, kind],
    );
    if (total >= (kind === "state" ? mostStates : mostOfKind) || own >= mostOfSender) return false;
    const value = JSON.stringify({ ...letter, origin: { kind, sender, topic } });
    memory.run("INSERT INTO letters (phone, due, value) VALUES (?, ?, ?)", phone, due, value);
    this.#room.alarm.noLaterThan(due);
    return true;
  }

  /** Remembers, in memory only, what was sent to a phone until it has surely arrived. */
  sent(key: string, phone: string, letter: Letter, now: number): void {
    const number = this.#numbers.get(letter);
    if (number !== undefined) {
      this.#unanswered.set(key, number);
      return;
    }
    this.#recent.delete(key);
    this.#recent.set(key, { phone, letter, at: now });
    const oldest = this.#recent.keys().next();
    if (this.#recent.size > recentsKept && oldest.done !== true) this.#recent.delete(oldest.value);
  }

  /** The phone has answered. */
  arrived(key: string): void {
    this.#recent.delete(key);
    const number = this.#unanswered.get(key);
    if (number !== undefined) this.#forget(number);
  }

  /** What waits for a phone that is back, or may not have reached it, oldest first. */
  for(phone: string, now: number): Letter[] {
    const recent = [...this.#recent.values()].filter((one) => one.phone === phone && now - one.at < recentFor);
    const rows = this.#room.memory.all<Row>("SELECT number, value FROM letters WHERE phone = ? AND due > ? ORDER BY number", phone, now);
    const letters = rows.map(({ number, value }) => {
      const letter = JSON.parse(value) as Letter;
      this.#handed.add(number);
      this.#numbers.set(letter, number);
      return letter;
    });
    return [...recent.map(({ letter }) => letter), ...letters];
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
      if (!this.#handed.has(number)) lost.push(JSON.parse(value) as Letter);
      this.#forget(number);
    }
    return lost;
  }

  #forget(number: number): void {
    this.#room.memory.run("DELETE FROM letters WHERE number = ?", number);
    this.#handed.delete(number);
    for (const [key, row] of this.#unanswered) if (row === number) this.#unanswered.delete(key);
  }
}

interface Origin {
  readonly kind: "response" | "state" | "dialog" | "other";
  readonly sender: string;
}

/**
 * Responses come to what the user has asked himself, states from those he watches; requests of a dialog from whoever talks with him;
 * all else from anybody.
 */
function originOf(letter: Letter, topic: string): Origin {
  if (letter.kind === "request" && topic !== "") return { kind: "state", sender: letter.answerTo.home };
  if (letter.kind === "response") return { kind: "response", sender: letter.transaction ?? "" };
  if (letter.to.kind === "phone") return { kind: "dialog", sender: letter.answerTo.home };
  return { kind: "other", sender: letter.identity };
}
