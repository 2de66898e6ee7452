import type { TransactionId } from "../../lib/transport/identifiers.ts";
import { asOctets } from "./undelivered-messages.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import { messageStored } from "../../lib/web-hooks/event-data.ts";
import type { Binding } from "../../lib/location/binding.ts";
import { type Forwarder, storedRequest } from "../../lib/proxy/outgoing-request.ts";
import { type Fault, fault, limitReached } from "../../lib/syntax/fault.ts";
import { parseDeltaSeconds } from "../../lib/syntax/integers.ts";
import { type Request, bodyOf, headerValue } from "../../lib/syntax/message.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { Room } from "./room.ts";
import { addressOfGuest, networkOfGuest } from "../../lib/transport/non-subscriber.ts";
import { senderOf } from "./sender.ts";
import { mandatoryHeadersOf, parsed } from "../shared/reparse.ts";

interface Row extends Record<string, string | number> {
  readonly number: number;
  readonly at: number;
  readonly value: string;
}

/** A message as stored in its row. */
interface Stored {
  readonly text: string;
  /** The address of record of its sender, or what the guests of one client address have in common; and the transaction it came in. */
  readonly sender: string;
  readonly transaction: TransactionId;
}

const messageShape = storedShape<Stored>(asOctets);

/** Characters of header lines, without the body. */
const maxHeaders = 8192;
/** The shares of all places that one sender may use, all guests together, and the guests of one network, and of one client address. */
const [share, shareOfNetwork, shareOfAddress] = [0.25, 0.1, 0.05];
/** That of all who are no users of the domain. */
const shareOfOthers = 0.5;
/** The beginning of the sender of a guest's message. */
const ofGuests = "guests of ";

/** Milliseconds that a message may stay beyond its time, so that many share one alarm. */
const slack = 24 * 3600_000;

/** Final responses after which a message is sent again: the phone was away, or temporarily unable. */
const notNow = [408, 430, 480];

export const messagesTable = {
  messages:
    "CREATE TABLE IF NOT EXISTS messages (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, due INTEGER NOT NULL, value TEXT NOT NULL)",
} as const;

/** Messages for a user without a reachable phone (RFC 3428 §7): stored, and delivered at the next registration. */
export class Messages {
  readonly #room: Room;
  readonly #by: Forwarder;

  constructor(room: Room) {
    this.#room = room;
    this.#by = { keyring: room.keyring, home: room.home.name, hint: room.home.hint, hints: room.home.hints };
  }

  /** Stores a message, or refuses it. */
  store(envelope: RequestEnvelope, request: Request, now: number): Fault | undefined {
    const { text, transaction } = envelope;
    const [address, network] = [addressOfGuest(envelope.answerTo.home), networkOfGuest(envelope.answerTo.home)];
    const sender = address === undefined ? senderOf(envelope) : `${ofGuests}${address}`;
    const { memory, configuration } = this.#room;
    const { storedMessages, storedMessageSize, storedMessageAge } = configuration;
    const most = (part: number) => Math.ceil(storedMessages * part);
    // RFC 3994 §3.2: typing notifications are useless later.
    const isFleeting = headerValue(request, "content-type")?.toLowerCase().startsWith("application/im-iscomposing") === true;
    if (storedMessages === 0 || isFleeting) return fault(480, "no phone of this user can be reached");
    const { length } = bodyOf(request);
    if (length > storedMessageSize || text.length - length > maxHeaders)
      return fault(513, `no message longer than ${storedMessageSize} characters is stored`);
    this.passDeadlines(now);
    const beginning = `${ofGuests}${network ?? ""}`;
    const ending = `@${this.#room.home.domain}`;
    const none = { total: 0, own: 0, near: 0, guests: 0, same: 0, colleagues: 0 };
    const [{ total, own, near, guests, same, colleagues } = none] = memory.all<Record<string, number>>(
      `SELECT COUNT(*) AS total, COALESCE(SUM(json_extract(value, '$.sender') = ?), 0) AS own,
        COALESCE(SUM(substr(json_extract(value, '$.sender'), 1, ${beginning.length}) = ?), 0) AS near,
        COALESCE(SUM(json_extract(value, '$.sender') LIKE '${ofGuests}%'), 0) AS guests,
        COALESCE(SUM(substr(json_extract(value, '$.sender'), -${ending.length}) = ? AND instr(json_extract(value, '$.sender'), '|') = 0), 0) AS colleagues,
        COALESCE(SUM(json_extract(value, '$.transaction') = ?), 0) AS same FROM messages`,
      ...[sender, beginning, ending, transaction],
    );
    // The name of a connection to another server has a bar.
    const isOfOther = (!sender.endsWith(ending) || sender.includes("|")) && total - colleagues >= most(shareOfOthers);
    const isOfOthers = near >= most(shareOfNetwork) || guests >= most(share);
    const isOverShare = address === undefined ? own >= most(share) : own >= most(shareOfAddress) || isOfOthers;
    // Another home repeats envelopes without a receipt.
    if (same > 0) return undefined;
    if (total >= storedMessages || isOverShare || isOfOther) return limitReached(480, "too many messages are stored for this user");
    const wanted = parseDeltaSeconds(headerValue(request, "expires")) ?? storedMessageAge;
    const due = now + Math.min(wanted, storedMessageAge) * 1000;
    const value: Stored = { text, sender, transaction };
    memory.run("INSERT INTO messages (at, due, value) VALUES (?, ?, ?)", now, due, messageShape.write(value));
    this.#room.alarm.noLaterThan(due + slack, slack);
    this.#room.announcer.announce("message.stored", () => messageStored(this.#room.home, request), now);
    return undefined;
  }

  /** A phone has registered: it gets every message, oldest first, the same bytes each time. */
  offer({ key, contact, path }: Binding, now: number): void {
    const { memory, sockets, log } = this.#room;
    const flow = sockets.carrierOf(key);
    if (flow === undefined) return;
    for (const { number, at, value } of memory.all<Row>("SELECT number, at, value FROM messages WHERE due > ? ORDER BY number", now)) {
      const request = parsed(messageShape.read(value).text);
      const text = storedRequest(this.#by, request, mandatoryHeadersOf(request), { number, at, contact, path, host: flow.host });
      if (sockets.send(flow.id, text)) log.passed(now, flow.id, text);
    }
  }

  /** The number of waiting messages. */
  count(now: number): number {
    const [row] = this.#room.memory.all<{ count: number }>("SELECT COUNT(*) AS count FROM messages WHERE due > ?", now);
    return row?.count ?? 0;
  }

  /** Deletes messages that are too old. */
  passDeadlines(now: number): void {
    const { memory, alarm } = this.#room;
    memory.run("DELETE FROM messages WHERE due <= ?", now);
    const [{ next } = { next: null }] = memory.all<{ next: number | null }>("SELECT MIN(due) AS next FROM messages");
    if (next !== null) alarm.noLaterThan(next + slack, slack);
  }

  /** A phone has answered a message: it is delivered, or never will be. */
  answered(number: number, status: number): void {
    if (status < 200 || status >= 500 || notNow.includes(status)) return;
    this.#room.memory.run("DELETE FROM messages WHERE number = ?", number);
  }
}
