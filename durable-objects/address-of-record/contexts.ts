import { type CallEvent, type CallNotes, noteChanges } from "../../lib/proxy/call-record/call-notes.ts";
import { branchName, takerOf } from "../../lib/transport/return-address.ts";
import type { TransactionId } from "../../lib/transport/identifiers.ts";
import { isFinished } from "../../lib/proxy/response-context/state.ts";
import { nextDeadline } from "../../lib/proxy/response-context/deadlines.ts";
import { type ForkedBranch, type ResponseContext, keptUntil, owesCancel, ringsOn } from "../../lib/proxy/response-context/context.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { Room } from "./room.ts";
import { contextShape, restoreRequest, storeRequest, withoutBody } from "./context-row.ts";

interface Row extends Record<string, string | number | null> {
  readonly state: string;
  readonly request: string;
}

/** A response context with its request. */
export interface OpenContext {
  readonly context: ResponseContext;
  readonly request: Request;
}

/** A provisional response. */
type Progress = CallEvent & { readonly branch: number; readonly status: number };

/** A call, and what is noted of it. */
export interface RecordedCall extends OpenContext {
  readonly notes: CallNotes;
}

const retryAfter = 2000;
/** Milliseconds after which the caller's home is asked again whether the caller still waits. */
export const askAfter = 60_000;
/**
 * Confirmed responses that are remembered. One that was forgotten is sent again after an eviction, and dropped by a receiver that has it.
 */
const maxTaken = 16;
/** Characters of the rows of all contexts: they are read together when the object wakes up. */
const maxSize = 16_777_216;

export const contextsTable = {
  contexts: `CREATE TABLE IF NOT EXISTS contexts (name TEXT PRIMARY KEY, due INTEGER NOT NULL, finished INTEGER NOT NULL,
    state TEXT NOT NULL, request TEXT NOT NULL) WITHOUT ROWID`,
} as const;

/** The rows of response contexts: one each, with its branches inside. */
export class Contexts {
  readonly #room: Room;
  /** In memory as in their rows. */
  readonly #open = new Map<string, OpenContext>();
  /** Those with work to do, and those that only wait to be deleted, the oldest first. */
  readonly #atWork = new Map<string, OpenContext>();
  readonly #over = new Map<string, OpenContext>();
  /** What is noted of the calls among them, and which of these have their record. */
  readonly #notes = new Map<string, CallNotes>();
  readonly #recorded = new Set<string>();
  /** Characters of the row of each. */
  readonly #sizes = new Map<string, number>();
  #size = 0;
  #isComplete = false;

  constructor(room: Room) {
    this.#room = room;
  }

  find(transaction: TransactionId): OpenContext | undefined {
    const open = this.#open.get(transaction);
    if (open !== undefined || this.#isComplete) return open;
    const [row] = this.#room.memory.all<Row>("SELECT state, request FROM contexts WHERE name = ?", transaction);
    return row === undefined ? undefined : this.#remember(row);
  }

  /** Contexts with work to do; needed when a phone registers and when the alarm fires. */
  unfinished(): OpenContext[] {
    this.#complete();
    return [...this.#atWork.values()];
  }

  /** @param notes of a call, for its record */
  insert(open: OpenContext, now: number, notes?: CallNotes): void {
    const { context, request } = open;
    this.#keep(open);
    if (notes !== undefined) this.#notes.set(context.transaction, noteChanges(notes, undefined, context, now));
    const row = { state: this.#written(context), request: storeRequest(request.text) };
    this.#measure(context.transaction, row.state.length + row.request.length);
    this.#room.memory.run(
      "INSERT OR REPLACE INTO contexts (name, due, finished, state, request) VALUES (?, ?, ?, ?, ?)",
      ...[context.transaction, context.collect, 0, row.state, row.request],
    );
    this.#makeRoom();
    this.schedule(context, now);
  }

  /** Saves a changed context. The body of its request stays in the row while the request may be sent to a phone again. */
  save(context: ResponseContext, request: Request, now: number): void {
    const open = this.#open.get(context.transaction);
    const before = open?.context;
    if (before === context) return;
    this.#keep({ context, request });
    const notes = this.#notes.get(context.transaction);
    if (notes !== undefined) this.#notes.set(context.transaction, noteChanges(notes, before, context, now));
    const state = this.#written(context);
    this.#measure(context.transaction, state.length + request.text.length);
    const values = [context.collect, isFinished(context) ? 1 : 0, state];
    const isConcluded = before?.final === 0 && context.final !== 0 && !ringsOn(context);
    // The router may have added headers.
    if (isConcluded || (open !== undefined && open.request.text !== request.text)) {
      const query = "UPDATE contexts SET due = ?, finished = ?, state = ?, request = ? WHERE name = ?";
      const stored = storeRequest(isConcluded ? withoutBody(request) : request.text);
      this.#room.memory.run(query, ...values, stored, context.transaction);
    } else {
      this.#room.memory.run("UPDATE contexts SET due = ?, finished = ?, state = ? WHERE name = ?", ...values, context.transaction);
    }
    // An unconfirmed response is being sent; the alarm that is set finds it if it is lost.
    if (context.unconfirmed === undefined) this.schedule(context, now);
  }

  /** Deletes a context; that of a call only when its record is kept elsewhere. */
  forget(transaction: TransactionId): void {
    const open = this.#isUnrecorded(transaction) ? this.#open.get(transaction) : undefined;
    if (open === undefined) this.#delete(transaction);
    else this.#keep({ ...open, context: { ...open.context, unconfirmed: undefined } });
  }

  /** The calls that are over or in progress, and have no record yet. */
  unrecorded(): RecordedCall[] {
    this.#complete();
    const calls: RecordedCall[] = [];
    for (const [transaction, notes] of this.#notes) {
      const open = this.#isUnrecorded(transaction) ? this.#open.get(transaction) : undefined;
      if (open !== undefined && notes.final !== undefined) calls.push({ ...open, notes });
    }
    return calls;
  }

  /** What is noted of a call. */
  notesOf(transaction: TransactionId): CallNotes | undefined {
    return this.#notes.get(transaction);
  }

  /** Notes something of a call; it is in the row with the next change of the context, or at once if that may never come. */
  note(transaction: TransactionId, notes: CallNotes, isSaved = false): void {
    this.#notes.set(transaction, notes);
    const open = isSaved ? this.#open.get(transaction) : undefined;
    if (open === undefined) return;
    const state = this.#written(open.context);
    this.#measure(transaction, state.length + open.request.text.length);
    this.#room.memory.run("UPDATE contexts SET state = ? WHERE name = ?", state, transaction);
  }

  /** The record of a call is kept elsewhere: its context is deleted when nothing else needs it. */
  recorded(transaction: TransactionId, now: number): void {
    const open = this.#open.get(transaction);
    if (open === undefined) return;
    this.#recorded.add(transaction);
    if (!isFinished(open.context)) return;
    const isOver = open.context.final >= 300 || open.context.collect <= now;
    if (isOver && !owesCancel(open.context)) this.#delete(transaction);
  }

  /** A forwarded call has its record at the home that has forwarded it, which has to know only when the answered one is over. */
  #isUnrecorded(transaction: TransactionId): boolean {
    const notes = this.#notes.get(transaction);
    if (notes === undefined || this.#recorded.has(transaction)) return false;
    const open = this.#open.get(transaction);
    return notes.dialog !== undefined || (open !== undefined && !wasForwarded(open.context));
  }

  #written(context: ResponseContext): string {
    const call = this.#notes.get(context.transaction);
    return contextShape.write(call === undefined ? context : { ...context, call });
  }

  #delete(transaction: TransactionId): void {
    this.#open.delete(transaction);
    this.#atWork.delete(transaction);
    this.#over.delete(transaction);
    this.#notes.delete(transaction);
    this.#recorded.delete(transaction);
    this.#measure(transaction, 0);
    this.#room.memory.run("DELETE FROM contexts WHERE name = ?", transaction);
  }

  /** The caller's home has the 2xx: noted in the attachment of the socket that the answer came on, which saves a row. */
  settle({ context, request }: OpenContext, now: number): void {
    this.#keep({ context: { ...context, unconfirmed: undefined }, request });
    const answered = context.branches.find((branch) => branch.final >= 200 && branch.final < 300);
    const flow = answered === undefined ? undefined : this.#room.sockets.newestTo(answered.phone);
    if (answered === undefined || flow === undefined) return;
    const names = (flow.confirmed ?? "").split(" ").filter((name) => name !== "");
    const confirmed = ` ${[...names, branchName(context.transaction, answered.index)].slice(-maxTaken).join(" ")} `;
    this.#room.sockets.update(flow.id, { confirmed });
    if (ringsOn(context)) this.schedule({ ...context, unconfirmed: undefined }, now);
  }

  /** When the branch last had a provisional response: noted in the attachment of the socket that it came on, which saves a row. */
  proceedingSince(transaction: TransactionId, branch: ForkedBranch): number | undefined {
    const name = branchName(transaction, branch.index);
    let since: number | undefined;
    for (const { proceeding } of this.#room.sockets.all()) {
      for (const { branch, at } of proceeding) if (branch === name) since = Math.max(since ?? 0, at);
    }
    return since;
  }

  /** The provisional responses of a call's phones, as their sockets have noted them. */
  progressOf(transaction: TransactionId): Progress[] {
    const names = new Map(this.#open.get(transaction)?.context.branches.map(({ index }) => [branchName(transaction, index), index]));
    return this.#room.sockets.all().flatMap(({ proceeding }) =>
      proceeding.flatMap(({ branch: name, progress = [] }) => {
        const branch = names.get(name);
        return branch === undefined ? [] : statusesIn(progress).map((one) => ({ ...one, event: "provisional" as const, branch }));
      }),
    );
  }

  /** The To tag of the early dialog from a call's newest provisional response. */
  earlyTag({ transaction, branches }: ResponseContext): string | undefined {
    const names = new Set(branches.map((branch) => branchName(transaction, branch.index)));
    const notes = this.#room.sockets.all().flatMap(({ proceeding }) => proceeding.filter(({ branch }) => names.has(branch)));
    return notes.sort((one, other) => one.at - other.at).at(-1)?.tag;
  }

  /** Sets the alarm to the next deadline of a context. Finished ones wait for the next event. */
  schedule(context: ResponseContext, now: number): void {
    const due = nextDeadline(context, this.#room.timers, (branch) => this.proceedingSince(context.transaction, branch));
    const isRinging = context.method === "INVITE" && context.final === 0 && context.cancelled === undefined;
    this.#room.alarm.noLaterThan(context.unconfirmed === undefined ? (isRinging ? Math.min(due, now + askAfter) : due) : now + retryAfter);
  }

  /** Deletes contexts whose time is over, also unanswered ones of other methods: at another write, or at an alarm. */
  collect(now: number): void {
    this.#complete();
    for (const { context } of this.#over.values()) {
      // The following ones ended later.
      if (context.collect > now) return;
      if (keptUntil(context) <= now) this.forget(context.transaction);
    }
  }

  /** Characters of the row of a context in memory. */
  sizeOf({ context: { transaction } }: OpenContext): number {
    return this.#sizes.get(transaction) ?? 0;
  }

  /** Whether the row of another request has room beside those that may not be deleted. @param size characters */
  hasRoomFor(size: number): boolean {
    this.#makeRoom(size);
    return this.#size + size <= maxSize;
  }

  /**
   * Finished contexts only answer retransmissions: the oldest are deleted when all together are too long. A call that has no record yet
   * stays.
   */
  #makeRoom(more = 0): void {
    for (const { context } of this.#over.values()) {
      if (this.#size + more <= maxSize) return;
      if (isFinished(context) && !this.#isUnrecorded(context.transaction)) this.#delete(context.transaction);
    }
  }

  #measure(transaction: TransactionId, size: number): void {
    this.#size += size - (this.#sizes.get(transaction) ?? 0);
    if (size === 0) this.#sizes.delete(transaction);
    else this.#sizes.set(transaction, size);
  }

  #complete(): void {
    if (this.#isComplete) return;
    for (const row of this.#room.memory.all<Row>("SELECT state, request FROM contexts ORDER BY due")) this.#remember(row);
    this.#isComplete = true;
  }

  #keep(open: OpenContext): void {
    const { context } = open;
    const { transaction } = context;
    this.#open.set(transaction, open);
    if (!isFinished(context) || owesCancel(context)) this.#atWork.set(transaction, open);
    else this.#atWork.delete(transaction);
    if ((context.final !== 0 && !ringsOn(context)) || context.method !== "INVITE") this.#over.set(transaction, open);
    else this.#over.delete(transaction);
  }

  #isTaken({ transaction, branches }: ResponseContext): boolean {
    const names = branches.map((branch) => ` ${branchName(transaction, branch.index)} `);
    return this.#room.sockets.all().some(({ confirmed }) => confirmed !== undefined && names.some((name) => confirmed.includes(name)));
  }

  #remember(row: Row): OpenContext {
    const { call, ...stored } = contextShape.read(row.state);
    if (call !== undefined) this.#notes.set(stored.transaction, call);
    const context = stored.unconfirmed !== undefined && this.#isTaken(stored) ? { ...stored, unconfirmed: undefined } : stored;
    const open = { context, request: restoreRequest(row.request) };
    this.#keep(open);
    this.#measure(context.transaction, row.state.length + row.request.length);
    return open;
  }
}

/** Whether another home, or this one, has forwarded the request here. */
export function wasForwarded({ answerTo }: ResponseContext): boolean {
  return takerOf(answerTo).kind === "context";
}

function statusesIn(progress: readonly number[]): { readonly status: number; readonly at: number }[] {
  return progress.flatMap((status, index) => (index % 2 === 0 ? [{ status, at: progress[index + 1] ?? 0 }] : []));
}

/** RFC 5630 §5.3: such a request goes by secure connections only. */
export function isSips({ request }: OpenContext): boolean {
  return /^sips:/i.test(request.requestUri);
}
