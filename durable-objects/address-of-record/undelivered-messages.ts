import type { PhoneId } from "../../lib/transport/identifiers.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { toOctets } from "../../lib/syntax/octets.ts";
import { type RequestEnvelope, type ResponseEnvelope, upgradeEnvelope } from "../../lib/transport/envelope.ts";
import type { Members } from "../../lib/transport/older-shapes.ts";
import type { Flow, SentMessage } from "../../lib/transport/flow.ts";
import { isGuestHome } from "../../lib/transport/non-subscriber.ts";
import { parsed } from "../shared/reparse.ts";
import type { Room } from "./room.ts";
import { senderOf } from "./sender.ts";

export type UndeliveredMessage = RequestEnvelope | ResponseEnvelope;

/** Its origin, for limits; and whether its sender was already told that the phone is away. */
type StoredMessage = UndeliveredMessage & {
  readonly origin?: Partial<Origin> & { readonly topic?: string; readonly isAnswered?: boolean };
};

const messageShape = storedShape<StoredMessage>((older) => upgradeEnvelope(asOctets(older)));

/** A row of an older build has a flag whether its text is octets: that of a text frame was not. */
export function asOctets({ binary, ...older }: Members): Members {
  return binary === false ? { ...older, text: toOctets(older["text"] as string) } : older;
}

interface Row extends Record<string, string | number> {
  readonly number: number;
  readonly value: string;
}

/** A message on a socket that may have been dead already; no call depends on it. */
interface Recent {
  readonly phone: PhoneId;
  readonly at: number;
  readonly message: UndeliveredMessage;
}

/** Milliseconds; then its sender has given up (64*T1), or the object has slept and lost it. */
const recentFor = 30_000;
const recentsKept = 100;
/** Maximum characters of the messages in a socket's attachment, beside the rest. */
const maxSent = 6000;
/** Maximum undelivered messages of one kind, and of one sender, so that one sender cannot fill another's storage or displace BYEs. */
const maxOfKind = 200;
const maxOfSender = 40;
/** Octets of them: a phone that is back gets all at once. */
const maxOctetsOfKind = 1_048_576;
const maxOctetsOfSender = 524_288;
/** Milliseconds that a BYE is kept after its sender has given up: a phone that is away longer has missed more than that. */
const byeFor = 3_600_000;
/** Maximum notifications, the newest of each subscription. */
const maxStates = 1000;
const maxOctetsOfStates = 2_097_152;

export const undeliveredMessagesTable = {
  undelivered_messages:
    "CREATE TABLE IF NOT EXISTS undelivered_messages (number INTEGER PRIMARY KEY, phone TEXT NOT NULL, due INTEGER NOT NULL, value TEXT NOT NULL)",
} as const;

/**
 * Messages for phones that are briefly away. Each stays in its row until it is answered or expires, and is sent on every socket on which
 * the phone comes back: a duplicate is a retransmission for the phone, a lost one would be a lost call. Unanswered messages that were sent
 * shortly before the phone came back on another socket are sent again too: requests within dialogs and refusals are noted in the socket's
 * attachment, others in memory.
 */
export class UndeliveredMessages {
  readonly #room: Room;
  /** By branch or transaction. */
  readonly #recent = new Map<string, Recent>();
  /** Octets of them. */
  #recentOctets = 0;
  /** Those sent to a phone since the object woke up. */
  readonly #handed = new Set<number>();
  /** The row numbers of messages. */
  readonly #numbers = new WeakMap<UndeliveredMessage, number>();

  constructor(room: Room) {
    this.#room = room;
  }

  /**
   * @param due until when the phone is waited for; milliseconds as `now`
   * @param topic of which only the newest message counts, if there is one
   * @param isAnswered its sender was already told that the phone is away
   * @param superseded called for the messages of its topic that it replaces
   * @returns false if too many are waiting
   */
  keep(
    phone: PhoneId,
    message: UndeliveredMessage,
    now: number,
    due: number,
    topic = "",
    isAnswered = false,
    superseded?: (older: UndeliveredMessage) => void,
  ): boolean {
    // A message that has waited already is in its row.
    if (this.#numbers.has(message)) return true;
    const { memory } = this.#room;
    const { kind, sender } = originOf(message, topic);
    const [waiting = nothing] = memory.all<Waiting>(
      `SELECT COUNT(*) AS total, COALESCE(SUM(length(value)), 0) AS octets,
        COALESCE(SUM(json_extract(value, '$.origin.sender') = ?1), 0) AS own,
        COALESCE(SUM(iif(json_extract(value, '$.origin.sender') = ?1, length(value), 0)), 0) AS ownOctets,
        COALESCE(SUM(phone = ?2 AND json_extract(value, '$.text') = ?3), 0) AS same
        FROM undelivered_messages WHERE json_extract(value, '$.origin.kind') = ?4`,
      ...[sender, phone, message.text, kind],
    );
    // Its sender has repeated it.
    if (waiting.same > 0) return true;
    if (topic !== "") for (const older of this.#takeAway(phone, topic)) superseded?.(older);
    if (isFull(waiting, kind, kind === "bye" ? 0 : message.text.length)) return false;
    const value = messageShape.write({ ...(kind === "bye" ? withoutBody(message) : message), origin: { kind, sender, topic, isAnswered } });
    // A number is never used again: sockets may still have that of a deleted row.
    memory.run(
      `INSERT INTO undelivered_messages (number, phone, due, value)
        VALUES ((SELECT MAX(COALESCE(MAX(number), 0) + 1, ?) FROM undelivered_messages), ?, ?, ?)`,
      ...[now * 1000, phone, due, value],
    );
    this.#room.alarm.noLaterThan(due);
    return true;
  }

  /** Removes the waiting messages of a topic; returns those that its phone did not get. */
  #takeAway(phone: PhoneId, topic: string): UndeliveredMessage[] {
    const waiting = "FROM undelivered_messages WHERE phone = ? AND json_extract(value, '$.origin.topic') = ?";
    const rows = this.#room.memory.all<Row>(`SELECT number, value ${waiting}`, phone, topic);
    if (rows.length > 0) this.#room.memory.run(`DELETE ${waiting}`, phone, topic);
    return rows.filter(({ number }) => !this.#handed.delete(number)).map(({ value }) => messageShape.read(value));
  }

  /** Remembers what was sent to a phone until it has certainly arrived. */
  sent(flow: Flow, key: string, phone: PhoneId, message: UndeliveredMessage, now: number): void {
    const number = this.#numbers.get(message);
    this.#forgetRecent(key);
    if (number !== undefined || isVital(message)) {
      return this.#note(flow.id, { key, phone, at: now, ...(number === undefined ? { message } : { number }) });
    }
    this.#recent.set(key, { phone, message, at: now });
    this.#recentOctets += message.text.length;
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= recentsKept && this.#recentOctets <= maxOctetsOfKind) return;
      this.#forgetRecent(oldest);
    }
  }

  #forgetRecent(key: string): void {
    const recent = this.#recent.get(key);
    if (recent === undefined) return;
    this.#recentOctets -= recent.message.text.length;
    this.#recent.delete(key);
  }

  /** The phone has answered. */
  arrived(key: string): void {
    this.#forgetRecent(key);
    for (const { number } of this.#unnote(key)) if (number !== undefined) this.#forget(number);
  }

  /**
   * A connection is closed, or its phones have left it: unanswered messages wait for them.
   * @returns the messages that can go to them at once, on another connection
   */
  flowClosed({ sent = [] }: Flow, now: number): UndeliveredMessage[] {
    const undelivered = sent.filter(({ at }) => now - at < recentFor);
    const waiting = undelivered.filter(({ phone }) => this.#room.sockets.newestTo(phone) === undefined);
    for (const { phone, message, at } of waiting) if (message !== undefined) this.keep(phone, message, now, at + recentFor);
    return undelivered.flatMap((one) => (one.message === undefined || waiting.includes(one) ? [] : [one.message]));
  }

  /** What waits for a phone that is back, or may not have reached it, oldest first. */
  for(phone: PhoneId, now: number): UndeliveredMessage[] {
    const noted = this.#room.sockets.all().flatMap(({ sent = [] }) => sent);
    const recent = [...this.#recent.values(), ...noted].filter((one) => one.phone === phone && now - one.at < recentFor);
    const rows = this.#room.memory.all<Row>(
      "SELECT number, value FROM undelivered_messages WHERE phone = ? AND due > ? ORDER BY number",
      phone,
      now,
    );
    const undelivered = rows.map(({ number, value }) => {
      const message = messageShape.read(value);
      this.#handed.add(number);
      this.#numbers.set(message, number);
      return message;
    });
    return [...recent.flatMap(({ message }) => message ?? []), ...undelivered];
  }

  /** A BYE for a phone that is not expected back: if the phone comes back anyway, its call ends. */
  keepBye(phone: PhoneId, message: RequestEnvelope, now: number): void {
    this.keep(phone, message, now, now + byeFor, "", true);
  }

  /** Removes expired messages; returns those that were not delivered. A BYE stays, although its sender is answered. */
  expire(now: number): UndeliveredMessage[] {
    const rows = this.#room.memory.all<Row & { readonly due: number }>("SELECT number, due, value FROM undelivered_messages");
    const lost: UndeliveredMessage[] = [];
    for (const { number, due, value } of rows) {
      if (due > now) {
        this.#room.alarm.noLaterThan(due);
        continue;
      }
      const message = messageShape.read(value);
      const isAnswered = message.origin?.isAnswered === true;
      if (!isAnswered && !this.#handed.has(number)) lost.push(message);
      if (isAnswered || message.kind !== "request" || !message.text.startsWith("BYE ")) this.#forget(number);
      else this.#keepOn(number, message, now + byeFor);
    }
    return lost;
  }

  #keepOn(number: number, message: StoredMessage, due: number): void {
    const value = messageShape.write({ ...message, origin: { ...message.origin, isAnswered: true } });
    this.#room.memory.run("UPDATE undelivered_messages SET due = ?, value = ? WHERE number = ?", due, value, number);
    this.#room.alarm.noLaterThan(due);
  }

  #forget(number: number): void {
    this.#room.memory.run("DELETE FROM undelivered_messages WHERE number = ?", number);
    this.#handed.delete(number);
  }

  #note(id: string, written: SentMessage): void {
    // It may have been sent before from its row.
    const before = this.#unnote(written.key).find((one) => one.number !== undefined);
    const number = written.number ?? before?.number;
    const note = number === undefined ? written : { ...written, number };
    const { sent = [] } = this.#room.sockets.byId(id) ?? {};
    const newest = [note, ...sent.toReversed()];
    let room = maxSent;
    const fitting = newest.filter(({ message }) => (room -= 100 + (message?.text.length ?? 0)) >= 0);
    this.#room.sockets.update(id, { sent: fitting.toReversed() });
  }

  /** @returns the notes under this key */
  #unnote(key: string): SentMessage[] {
    const removed: SentMessage[] = [];
    for (const { id, sent = [] } of this.#room.sockets.all()) {
      const found = sent.filter((note) => note.key === key);
      if (found.length > 0) this.#room.sockets.update(id, { sent: sent.filter((note) => note.key !== key) });
      removed.push(...found);
    }
    return removed;
  }
}

/**
 * Whether a call would be lost with it: a request within a dialog, or a refusal. A 2xx and its ACK are retransmitted; of notifications the
 * newest counts, and waits in a row.
 */
function isVital(message: UndeliveredMessage): boolean {
  if (message.kind === "response") return message.transaction !== undefined && message.status >= 300;
  return message.to.kind === "phone" && !/^(?:ACK|CANCEL|NOTIFY) /.test(message.text);
}

/** The waiting messages of one kind: number and octets, of all and of one sender, and the number of equal ones. */
interface Waiting extends Record<string, number> {
  readonly total: number;
  readonly octets: number;
  readonly own: number;
  readonly ownOctets: number;
  readonly same: number;
}

const nothing: Waiting = { total: 0, octets: 0, own: 0, ownOctets: 0, same: 0 };

function isFull({ total, octets, own, ownOctets }: Waiting, kind: Origin["kind"], more: number): boolean {
  const isCrowded =
    total >= (kind === "state" ? maxStates : maxOfKind) || octets + more > (kind === "state" ? maxOctetsOfStates : maxOctetsOfKind);
  return isCrowded || own >= maxOfSender || ownOctets + more > maxOctetsOfSender;
}

interface Origin {
  readonly kind: "response" | "state" | "bye" | "dialog" | "other";
  readonly sender: string;
}

/**
 * Responses belong to the user's own requests, states to the user's subscriptions, requests in a dialog to the other end of a call, where a
 * BYE is never displaced; others may be from any sender.
 */
function originOf(message: UndeliveredMessage, topic: string): Origin {
  if (message.kind === "request" && topic !== "") return { kind: "state", sender: homeOfSender(message) };
  if (message.kind === "response") return { kind: "response", sender: message.transaction ?? "" };
  if (message.to.kind === "phone" && message.text.startsWith("BYE ")) return { kind: "bye", sender: homeOfSender(message) };
  if (message.to.kind === "phone") return { kind: "dialog", sender: homeOfSender(message) };
  return { kind: "other", sender: senderOf(message) };
}

/** A BYE needs no body. */
function withoutBody(bye: UndeliveredMessage): UndeliveredMessage {
  const request = parsed(bye.text);
  if (request.bodyAt === request.text.length) return bye;
  const head = alter(request, { remove: ["content-length", "content-type", "content-encoding"], append: [["Content-Length", "0"]] });
  return { ...bye, text: head.slice(0, head.length - (request.text.length - request.bodyAt)) };
}

/** Guests count as one sender, because they can have any number of homes. */
function homeOfSender({ answerTo: { home } }: RequestEnvelope): string {
  return isGuestHome(home) ? "guests" : home;
}
