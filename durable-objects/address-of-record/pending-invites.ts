import type { Response } from "../../lib/syntax/message.ts";
import type { CancelEnvelope, InquiryEnvelope, Receipt } from "../../lib/transport/envelope.ts";
import { accepted } from "../../lib/transport/envelope.ts";
import { type Flow, type PendingInvite, contactMark, phoneOnFlow } from "../../lib/transport/flow.ts";
import type { FlowClosed, Part, Registered } from "./part.ts";
import type { Room } from "./room.ts";
import { placedCall, withDialog } from "./active-calls.ts";

/** Unanswered INVITEs that one socket may have at a time: their notes must fit into its attachment. */
const maximumPending = 40;

/** Milliseconds. */
const pauseBeforeRepeating = 2000;

/** A row of the table `unattended_calls`: a call that nobody can cancel any more. Times in milliseconds. */
interface OrphanedInvite extends Record<string, string | number> {
  /** The transaction. */
  readonly name: string;
  /** When its callee is told to stop ringing. */
  readonly due: number;
  /** Until when that is tried. */
  readonly until: number;
  readonly home: string;
  /** The phone that placed it. */
  readonly phone: string;
  readonly at: number;
  /** 1: the phone has forgotten the call with its socket. */
  readonly forgetful: number;
  /** Of the phone when it placed the call, as `PendingInvite` has it; "" if that is not known. */
  readonly contact: string;
}

export const orphanedInvitesTable = {
  orphaned_invites: `CREATE TABLE IF NOT EXISTS orphaned_invites (name TEXT PRIMARY KEY, due INTEGER NOT NULL, until INTEGER NOT NULL, home TEXT NOT NULL,
    phone TEXT NOT NULL, at INTEGER NOT NULL, forgetful INTEGER NOT NULL, contact TEXT NOT NULL) WITHOUT ROWID`,
} as const;

/**
 * The calls that this user's phones have placed and nobody has answered yet: where each went, noted in the socket it came on, so that
 * CANCEL follows it; and, once that socket is gone, in a row, so that a callee does not ring for nobody.
 */
export class PendingInvites implements Part {
  readonly #room: Room;
  readonly #passOn: (home: string, envelope: CancelEnvelope) => Promise<Receipt>;
  #rows: Map<string, OrphanedInvite> | undefined;

  constructor(room: Room, passOn: (home: string, envelope: CancelEnvelope) => Promise<Receipt>) {
    this.#room = room;
    this.#passOn = passOn;
  }

  isFull({ id, pendingInvites: pending }: Flow): boolean {
    return (this.#room.sockets.byId(id)?.pendingInvites ?? pending).length >= maximumPending;
  }

  /** A final response has come; false if the call was not among these any more. */
  answered(transaction: string, response: Response, now: number): boolean {
    const noted = this.#room.sockets.all().find((one) => one.pendingInvites.some((pending) => pending.transaction === transaction));
    if (noted === undefined) {
      this.#attended(transaction);
      return false;
    }
    const pending = noted.pendingInvites.filter((one) => one.transaction !== transaction);
    const activeCalls = response.status < 300 ? { activeCalls: withDialog(noted.activeCalls, placedCall(response), now) } : {};
    this.#room.sockets.update(noted.id, { pendingInvites: pending, ...activeCalls });
    return true;
  }

  /**
   * The caller's socket is gone. If he has another one he goes on there, unless his phone has forgotten; else he cannot CANCEL any
   * more, and a grace later his calls stop ringing. What a page that has been loaded anew knows nothing of stops at once.
   */
  onFlowClosed({ flow }: FlowClosed, now: number): void {
    const phone = phoneOnFlow(flow);
    const successor = flow.pendingInvites.length === 0 ? undefined : this.#room.sockets.newestTo(phone);
    for (const pending of flow.pendingInvites) {
      if (successor !== undefined && !isParallel(flow, successor) && isAnother(successor, phone, pending.contact))
        this.#givenUp(pending, now);
      else if (successor !== undefined && pending.dropsOnDisconnect !== true) this.note(successor, pending);
      else this.#unattended(pending, phone, now);
    }
  }

  /**
   * A phone is back on another socket: it goes on with its calls, unless it has forgotten them. One that keeps its calls over a new
   * connection keeps its Contact, too; with another Contact it is a page that was loaded anew and has given them up.
   */
  onRegistered({ flow, phones }: Registered, now: number): void {
    for (const phone of phones) this.#isBack(flow, phone, now);
  }

  #isBack(flow: Flow, phone: string, now: number): void {
    for (const row of [...this.#load().values()]) {
      const { name: transaction, home, at, phone: placedBy, forgetful, contact } = row;
      if (placedBy !== phone) continue;
      if (isAnother(this.#room.sockets.byId(flow.id) ?? flow, phone, contact)) this.#givenUp({ transaction, home, at }, now);
      else if (forgetful !== 1) {
        this.note(flow, { transaction, home, at, ...(contact === "" ? {} : { contact }) });
        this.#attended(transaction);
      }
    }
  }

  /** Nobody waits for the answer any more. */
  #givenUp({ transaction, home, at }: PendingInvite, now: number): void {
    const until = now + this.#room.timers.ringing;
    this.#keepOrphaned({ name: transaction, due: now + pauseBeforeRepeating, until, home, phone: "", at, forgetful: 1, contact: "" });
    this.cancel(home, transaction, undefined, until, () => this.#attended(transaction));
  }

  /** A callee's home asks whether anybody still waits for its answer: our notes may have gone with our sockets. */
  inquiry({ transaction, home, caller, dropsOnDisconnect }: InquiryEnvelope, now: number): Receipt {
    // A call that our own response context has sent on: that context cancels it, and asks its caller's home itself.
    if (caller.branch !== undefined) return accepted;
    const isNoted = this.homeOf(transaction) !== undefined || this.#room.sockets.byId(caller.flow) !== undefined;
    const flow = dropsOnDisconnect || isNoted ? undefined : this.#room.sockets.newestTo(caller.phone);
    const pending: PendingInvite = { transaction, home, at: now, ...(dropsOnDisconnect ? { dropsOnDisconnect } : {}) };
    if (flow !== undefined) this.note(flow, pending);
    else if (!isNoted) this.#unattended(pending, caller.phone, now);
    return accepted;
  }

  onAlarm(now: number): void {
    for (const row of [...this.#load().values()]) {
      // Should our memory get lost before the other home has heard.
      this.#room.alarm.noLaterThan(Math.max(row.due, now + pauseBeforeRepeating));
      if (row.due <= now) this.cancel(row.home, row.name, undefined, row.until, () => this.#attended(row.name));
    }
  }

  /** A call that nobody can cancel any more: a row, until its callee's home has been told to stop ringing. */
  #unattended({ transaction, home, at, dropsOnDisconnect, contact = "" }: PendingInvite, phone: string, now: number): void {
    const due = now + this.#room.configuration.callerGrace * 1000;
    const until = due + this.#room.timers.ringing;
    this.#keepOrphaned({ name: transaction, due, until, home, phone, at, forgetful: dropsOnDisconnect === true ? 1 : 0, contact });
  }

  #keepOrphaned(row: OrphanedInvite): void {
    const { name, due, until, home, phone, at, forgetful, contact } = row;
    this.#load().set(name, row);
    const columns = "name, due, until, home, phone, at, forgetful, contact";
    this.#room.memory.run(
      `INSERT OR REPLACE INTO orphaned_invites (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[name, due, until, home, phone, at, forgetful, contact],
    );
    this.#room.alarm.noLaterThan(due);
  }

  #attended(transaction: string): void {
    if (this.#load().delete(transaction)) this.#room.memory.run("DELETE FROM orphaned_invites WHERE name = ?", transaction);
  }

  /** They are few, and asked for with every call. */
  #load(): Map<string, OrphanedInvite> {
    this.#rows ??= new Map(this.#room.memory.all<OrphanedInvite>("SELECT * FROM orphaned_invites").map((row) => [row.name, row]));
    return this.#rows;
  }

  /** The callee's home of an INVITE that has no final response yet, as a socket or a row remembers it. */
  homeOf(transaction: string): string | undefined {
    for (const { pendingInvites: pending } of this.#room.sockets.all()) {
      const noted = pending.find((one) => one.transaction === transaction);
      if (noted !== undefined) return noted.home;
    }
    return this.#load().get(transaction)?.home;
  }

  /** When an INVITE came that has no final response yet, in milliseconds. */
  since(transaction: string): number | undefined {
    const pending = this.#room.sockets.all().flatMap((flow) => flow.pendingInvites);
    return (pending.find((one) => one.transaction === transaction) ?? this.#load().get(transaction))?.at;
  }

  /** Calls of this user's phones that nobody has answered yet, by their names. */
  pending(): string[] {
    return this.#room.sockets.all().flatMap(({ pendingInvites: pending }) => pending.map(({ transaction, name }) => name ?? transaction));
  }

  note(flow: Flow, note: PendingInvite): void {
    const { pendingInvites: pending } = this.#room.sockets.byId(flow.id) ?? flow;
    this.#room.sockets.update(flow.id, { pendingInvites: [...pending, note].slice(-maximumPending) });
  }

  /** Tells a callee's home to stop ringing, again and again until it has heard; at `until` its own timer has ended the call. */
  cancel(home: string, transaction: string, reason: string | undefined, until: number, then: () => void, failed = () => {}): void {
    this.#passOn(home, { kind: "cancel", transaction, reason }).then(then, (error: unknown) => {
      failed();
      const now = Date.now();
      this.#room.log.note(now, "-", String(error));
      const due = now + pauseBeforeRepeating;
      if (now < until) this.#keepOrphaned({ name: transaction, due, until, home, phone: "", at: now, forgetful: 1, contact: "" });
      else this.#attended(transaction);
    });
  }

  /** The call has come to nothing. */
  forget(flow: Flow, transaction: string): void {
    const pending = this.#room.sockets.byId(flow.id)?.pendingInvites;
    if (pending?.some((one) => one.transaction === transaction) !== true) return;
    this.#room.sockets.update(flow.id, { pendingInvites: pending.filter((one) => one.transaction !== transaction) });
  }
}

/** Whether a phone is registered on this flow with another Contact than it had; false where either is not known. */
function isAnother(flow: Flow, phone: string, contact = ""): boolean {
  const mark = contactMark(flow, phone);
  return contact !== "" && mark !== undefined && mark !== contact;
}

/** Whether these are two flows of one phone (RFC 5626 §4.2.1: of one instance, each with a reg-id of its own). */
function isParallel({ boundContacts }: Flow, other: Flow): boolean {
  return boundContacts.some(({ key }) => key.startsWith("instance ") && !other.boundContacts.some((one) => one.key === key));
}
