import { isFromPhone } from "../../lib/transport/return-address.ts";
import type { HomeName, PhoneId, TransactionId } from "../../lib/transport/identifiers.ts";
import type { Response } from "../../lib/syntax/message.ts";
import type { CancelEnvelope, InquiryEnvelope, Receipt } from "../../lib/transport/envelope.ts";
import { accepted } from "../../lib/transport/envelope.ts";
import { type Flow, type PendingInvite, contactMark, phoneOnFlow } from "../../lib/transport/flow.ts";
import type { FlowClosed, Part, Registered } from "./part.ts";
import type { Room } from "./room.ts";
import { withDialog } from "./dialog-list.ts";
import { placedCall } from "./answered-call.ts";

/** Maximum unanswered INVITEs of one socket: their notes must fit into its attachment. */
const maximumPending = 40;

/** Calls whose branches are remembered. */
const maxPlaced = 200;

/** Milliseconds. */
const pauseBeforeRepeating = 2000;

/** A row of the table `orphaned_invites`: a call whose caller can no longer cancel it. Times in milliseconds. */
interface OrphanedInvite extends Record<string, string | number> {
  /** The transaction. */
  readonly name: string;
  /** When its callee gets the CANCEL. */
  readonly due: number;
  /** Until when that is tried. */
  readonly until: number;
  readonly home: HomeName;
  /** The phone that placed it. */
  readonly phone: PhoneId;
  readonly at: number;
  /** 1: the phone has dropped the call with its socket. */
  readonly forgetful: number;
  /** The phone's Contact when it placed the call, as in `PendingInvite`; "" if unknown. */
  readonly contact: string;
  /** The name of the call; "" if unknown. */
  readonly call: string;
}

export const orphanedInvitesTable = {
  orphaned_invites: `CREATE TABLE IF NOT EXISTS orphaned_invites (name TEXT PRIMARY KEY, due INTEGER NOT NULL, until INTEGER NOT NULL, home TEXT NOT NULL,
    phone TEXT NOT NULL, at INTEGER NOT NULL, forgetful INTEGER NOT NULL, contact TEXT NOT NULL, call TEXT NOT NULL) WITHOUT ROWID`,
} as const;

/**
 * The unanswered calls of this user's phones: the home that each went to, noted in the socket it came on, so that CANCEL follows it; and,
 * once that socket is lost, in a row, so that a callee does not ring without a caller.
 */
export class PendingInvites implements Part {
  readonly #room: Room;
  readonly #passOn: (home: HomeName, envelope: CancelEnvelope) => Promise<Receipt>;
  #rows: Map<string, OrphanedInvite> | undefined;
  /** Where the last calls went, answered or not, by their transactions. In memory only: a branch is not used again at once. */
  readonly #placed = new Map<TransactionId, HomeName>();

  constructor(room: Room, passOn: (home: HomeName, envelope: CancelEnvelope) => Promise<Receipt>) {
    this.#room = room;
    this.#passOn = passOn;
  }

  isFull({ id, pendingInvites: pending }: Flow): boolean {
    return (this.#room.sockets.byId(id)?.pendingInvites ?? pending).length >= maximumPending;
  }

  /** A final response has come; false if the call was no longer pending. */
  answered(transaction: TransactionId, response: Response, now: number): boolean {
    const noted = this.#room.sockets.all().find((one) => one.pendingInvites.some((pending) => pending.transaction === transaction));
    if (noted === undefined) {
      this.#forgetOrphan(transaction);
      return false;
    }
    const pending = noted.pendingInvites.filter((one) => one.transaction !== transaction);
    const activeCalls =
      response.status < 300 ? { activeCalls: withDialog(noted.activeCalls, placedCall(this.#room.keyring, response), now) } : {};
    this.#room.sockets.update(noted.id, { pendingInvites: pending, ...activeCalls });
    return true;
  }

  /**
   * The caller's socket is lost. If the phone has another one its calls go on there, unless it has dropped them; else it cannot CANCEL any
   * more, and its calls stop ringing after the grace time. Calls that a reloaded page does not know stop at once.
   */
  onFlowClosed({ flow }: FlowClosed, now: number): void {
    const phone = phoneOnFlow(flow);
    const successor = flow.pendingInvites.length === 0 ? undefined : this.#room.sockets.newestTo(phone);
    for (const pending of flow.pendingInvites) {
      if (successor !== undefined && !isParallel(flow, successor) && isAnother(successor, phone, pending.contact))
        this.#givenUp(pending, now);
      else if (successor !== undefined && pending.dropsOnDisconnect !== true) this.note(successor, pending);
      else this.#orphan(pending, phone, now);
    }
  }

  /**
   * A phone is back on another socket: it continues its calls, unless it has dropped them. A phone that keeps its calls over a new
   * connection also keeps its Contact; with another Contact it is a reloaded page without them.
   */
  onRegistered({ flow, phones }: Registered, now: number): void {
    for (const phone of phones) this.#isBack(flow, phone, now);
  }

  #isBack(flow: Flow, phone: PhoneId, now: number): void {
    for (const row of [...this.#load().values()]) {
      const { name: transaction, home, at, phone: placedBy, forgetful, contact, call } = row;
      if (placedBy !== phone) continue;
      if (isAnother(this.#room.sockets.byId(flow.id) ?? flow, phone, contact)) this.#givenUp({ transaction, home, at }, now);
      else if (forgetful !== 1) {
        this.note(flow, { transaction, home, at, ...(contact === "" ? {} : { contact }), ...(call === "" ? {} : { name: call }) });
        this.#forgetOrphan(transaction);
      }
    }
  }

  /** The caller no longer waits for the answer. */
  #givenUp({ transaction, home, at }: PendingInvite, now: number): void {
    const until = now + this.#room.timers.timerC;
    this.#keepOrphaned({
      name: transaction,
      due: now + pauseBeforeRepeating,
      until,
      home,
      phone: "",
      at,
      forgetful: 1,
      contact: "",
      call: "",
    });
    this.cancel(home, { transaction, reason: undefined }, until, () => this.#forgetOrphan(transaction));
  }

  /** A callee's home asks whether the caller still waits: our notes may have been lost with our sockets. */
  inquiry({ transaction, home, caller, dropsOnDisconnect, name }: InquiryEnvelope, now: number): Receipt {
    // A call that our own response context has forwarded: that context cancels it, and asks its caller's home itself.
    if (!isFromPhone(caller)) return accepted;
    const isNoted = this.homeOf(transaction) !== undefined || this.#room.sockets.byId(caller.flow) !== undefined;
    const flow = dropsOnDisconnect || isNoted ? undefined : this.#room.sockets.newestTo(caller.phone);
    const named = name === undefined ? {} : { name };
    const pending: PendingInvite = { transaction, home, at: now, ...named, ...(dropsOnDisconnect ? { dropsOnDisconnect } : {}) };
    if (flow !== undefined) this.note(flow, pending);
    else if (!isNoted) this.#orphan(pending, caller.phone, now);
    return accepted;
  }

  onAlarm(now: number): void {
    for (const row of [...this.#load().values()]) {
      // In case of an eviction before the other home has it.
      this.#room.alarm.noLaterThan(Math.max(row.due, now + pauseBeforeRepeating));
      // Without a phone it is a CANCEL of the caller that could not be delivered.
      const by = row.phone === "" ? {} : { by: "network" as const };
      if (row.due <= now)
        this.cancel(row.home, { transaction: row.name, reason: undefined, ...by }, row.until, () => this.#forgetOrphan(row.name));
    }
  }

  /** A call that can no longer be cancelled by its caller: a row, until its callee's home has the CANCEL. */
  #orphan({ transaction, home, at, dropsOnDisconnect, contact = "", name: call = "" }: PendingInvite, phone: PhoneId, now: number): void {
    const due = now + this.#room.configuration.callerGrace * 1000;
    const until = due + this.#room.timers.timerC;
    this.#keepOrphaned({ name: transaction, due, until, home, phone, at, forgetful: dropsOnDisconnect === true ? 1 : 0, contact, call });
  }

  #keepOrphaned(row: OrphanedInvite): void {
    const { name, due, until, home, phone, at, forgetful, contact, call } = row;
    this.#load().set(name, row);
    const columns = "name, due, until, home, phone, at, forgetful, contact, call";
    this.#room.memory.run(
      `INSERT OR REPLACE INTO orphaned_invites (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[name, due, until, home, phone, at, forgetful, contact, call],
    );
    this.#room.alarm.noLaterThan(due);
  }

  #forgetOrphan(transaction: TransactionId): void {
    if (this.#load().delete(transaction)) this.#room.memory.run("DELETE FROM orphaned_invites WHERE name = ?", transaction);
  }

  /** Cached: there are few, and every call needs them. */
  #load(): Map<string, OrphanedInvite> {
    this.#rows ??= new Map(this.#room.memory.all<OrphanedInvite>("SELECT * FROM orphaned_invites").map((row) => [row.name, row]));
    return this.#rows;
  }

  /** The callee's home of an INVITE without a final response, from a socket or a row. */
  homeOf(transaction: TransactionId): string | undefined {
    for (const { pendingInvites: pending } of this.#room.sockets.all()) {
      const noted = pending.find((one) => one.transaction === transaction);
      if (noted !== undefined) return noted.home;
    }
    return this.#load().get(transaction)?.home;
  }

  /** Whether a call with this transaction, which may be answered by now, went to another home (RFC 3261 §8.1.1.7: the branch is unique). */
  isOfOther(transaction: TransactionId, home: HomeName): boolean {
    const known = this.homeOf(transaction) ?? this.#placed.get(transaction);
    return known !== undefined && known !== home;
  }

  /** When an INVITE without a final response came, in milliseconds. */
  since(transaction: TransactionId): number | undefined {
    const pending = this.#room.sockets.all().flatMap((flow) => flow.pendingInvites);
    return (pending.find((one) => one.transaction === transaction) ?? this.#load().get(transaction))?.at;
  }

  /** Unanswered calls of this user's phones, by their names. */
  pending(): string[] {
    return this.unanswered().map(({ transaction, name }) => name ?? transaction);
  }

  /** Those whose phones are connected. */
  unanswered(): PendingInvite[] {
    return this.#room.sockets.all().flatMap(({ pendingInvites }) => pendingInvites);
  }

  note(flow: Flow, note: PendingInvite): void {
    this.#placed.set(note.transaction, note.home);
    const [oldest] = this.#placed.keys();
    if (this.#placed.size > maxPlaced && oldest !== undefined) this.#placed.delete(oldest);
    const { pendingInvites: pending } = this.#room.sockets.byId(flow.id) ?? flow;
    this.#room.sockets.update(flow.id, { pendingInvites: [...pending, note].slice(-maximumPending) });
  }

  /** Sends the CANCEL to a callee's home until it is confirmed; at `until` that home's own timer has ended the call. */
  cancel(home: HomeName, cancelled: Omit<CancelEnvelope, "kind">, until: number, then: () => void, failed = () => {}): void {
    const { transaction } = cancelled;
    this.#passOn(home, { kind: "cancel", ...cancelled }).then(then, (error: unknown) => {
      failed();
      const now = Date.now();
      this.#room.log.note(now, "-", String(error));
      const due = now + pauseBeforeRepeating;
      if (now < until) this.#keepOrphaned({ name: transaction, due, until, home, phone: "", at: now, forgetful: 1, contact: "", call: "" });
      else this.#forgetOrphan(transaction);
    });
  }

  /** The call has failed. */
  forget(flow: Flow, transaction: TransactionId): void {
    const pending = this.#room.sockets.byId(flow.id)?.pendingInvites;
    if (pending?.some((one) => one.transaction === transaction) !== true) return;
    this.#room.sockets.update(flow.id, { pendingInvites: pending.filter((one) => one.transaction !== transaction) });
  }
}

/** Whether a phone is registered on this flow with another Contact than before; false if either is unknown. */
function isAnother(flow: Flow, phone: PhoneId, contact = ""): boolean {
  const mark = contactMark(flow, phone);
  return contact !== "" && mark !== undefined && mark !== contact;
}

/** Whether these are two flows of one phone (RFC 5626 §4.2.1: of one instance, each with its own reg-id). */
function isParallel({ boundContacts }: Flow, other: Flow): boolean {
  return boundContacts.some(({ key }) => key.startsWith("instance ") && !other.boundContacts.some((one) => one.key === key));
}
