import { mandatoryHeadersOf, parsedResponse } from "../shared/reparse.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";
import { legible } from "../../lib/syntax/octets.ts";
import {
  type CallEnd,
  type CallNotes,
  type CallParties,
  beginNotes,
  noteDevice,
  noteEnd,
  noteEvents,
  noteTrunk,
} from "../../lib/proxy/call-record/call-notes.ts";
import { type CallRecord, recordOf, recordOfRefused } from "../../lib/proxy/call-record/call-record.ts";
import { type Bye, type ByeAnswer, endsCall, isAnswerOf, targetMark, uriMark } from "../../lib/proxy/bye.ts";
import { hasEndAt, isOver, isWith, lostSince, noteBye, phoneIn, senderOf } from "./recorded-call.ts";
import { type DialogIds, dialogName } from "../../lib/proxy/call-name.ts";
import { endsIn } from "../../lib/proxy/route-token.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { isTrunkIdentity, trunkNamed } from "../../lib/routing/trunk.ts";
import { type Request, type Response, headerValue } from "../../lib/syntax/message.ts";
import { isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import { takerOf } from "../../lib/transport/return-address.ts";
import { type EndedBy, type EndedEnvelope, type SentRequest, cameAt } from "../../lib/transport/envelope.ts";
import { type Flow, phoneOnFlow } from "../../lib/transport/flow.ts";
import type { HomeName, TransactionId } from "../../lib/transport/identifiers.ts";
import { type ActiveCalls } from "./active-calls.ts";
import { dialogIdsOf } from "./answered-call.ts";
import { type Contexts, type OpenContext, type RecordedCall, wasForwarded } from "./contexts.ts";
import type { FlowClosed, Part, Registered } from "./part.ts";
import type { PassOn } from "./pass-on.ts";
import type { Room } from "./room.ts";

/** Milliseconds until a record that could not be stored is tried again, at first and at most. */
const retryAfter = { first: 2000, last: 600_000 };
/** Milliseconds: how often calls in progress are looked at, and how much later that may be, to share an alarm. */
const lookEvery = 3_600_000;
const slack = 2 * lookEvery;
/** Milliseconds after which an answered call that nothing more is heard of counts as over: with its phone connected, and elsewhere. */
const maxUnheard = { here: 4 * 3_600_000, elsewhere: 24 * 3_600_000 };
/** Refused calls that get a record: at once, and in a second. */
const maxRefused = [30, 0.5] as const;
/** Rows that wait to be stored. */
const maxWaiting = 200;

const recordShape = storedShape<CallRecord>();

export const callRecordsTable = {
  call_records: "CREATE TABLE IF NOT EXISTS call_records (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/**
 * The records of calls. The home of a call's first response context keeps its notes in the row of that context, until the record is stored
 * in the directory, or in its queue. A call that was refused before it had a context has a row here for that time.
 */
export class CallRecords implements Part {
  readonly #room: Room;
  readonly #contexts: Contexts;
  readonly #activeCalls: Pick<ActiveCalls, "has" | "endOf">;
  readonly #passOn: PassOn;
  readonly #isOff: boolean;
  /** Calls whose record is on its way. */
  readonly #sending = new Set<string>();
  #pause = retryAfter.first;
  readonly #refused = new TokenBucket(...maxRefused);

  constructor(room: Room, contexts: Contexts, activeCalls: Pick<ActiveCalls, "has" | "endOf">, passOn: PassOn) {
    this.#room = room;
    this.#contexts = contexts;
    this.#activeCalls = activeCalls;
    this.#passOn = passOn;
    this.#isOff = room.records === undefined;
  }

  /** The notes of a new call; undefined for other requests. @param isIncoming the user of this home is called */
  begin(method: string, envelope: SentRequest, isIncoming: boolean, now: number): CallNotes | undefined {
    return this.#isOff || method !== "INVITE" ? undefined : beginNotes(cameAt(envelope, now), this.#partiesOf(envelope, isIncoming));
  }

  /** A final response of a phone: what it rang before, and which phone it is. */
  answered(flow: Flow, transaction: TransactionId, branch: number, response: Response): void {
    const notes = this.#contexts.notesOf(transaction);
    if (notes === undefined) return;
    const userAgent = headerValue(response, "user-agent") ?? headerValue(response, "server");
    const device = { branch, ...(userAgent === undefined ? {} : { userAgent: legible(userAgent, maxUserAgent) }), way: flow.way };
    this.#contexts.note(transaction, noteDevice(this.#withProgress(transaction, notes), device));
  }

  /** A branch was sent to a server of a trunk. */
  sentByTrunk(transaction: TransactionId, branch: number, trunk: string): void {
    const notes = this.#contexts.notesOf(transaction);
    if (notes !== undefined) this.#contexts.note(transaction, noteTrunk(notes, branch, trunk));
  }

  /** The first final response goes to the caller. @param text of a 2xx */
  concludes(transaction: TransactionId, text: string | undefined): void {
    const notes = this.#contexts.notesOf(transaction);
    if (notes === undefined) return;
    const more = text === undefined ? {} : this.#dialogOf(parsedResponse(text));
    this.#contexts.note(transaction, { ...this.#withProgress(transaction, notes), ...more });
  }

  #dialogOf(response: Response): Pick<CallNotes, "dialog" | "ends" | "targets"> {
    const ids = dialogIdsOf(response);
    const [ends, callee] = [endsIn(this.#room.keyring, response, ids.callId, this.#room.home.name), targetMark(response)];
    return { dialog: dialogName(ids), ...(ends === undefined ? {} : { ends }), ...(callee === undefined ? {} : { targets: { callee } }) };
  }

  /** The final response is saved. A call that was not answered is over. */
  concluded(open: OpenContext, now: number): void {
    const { transaction } = open.context;
    const notes = this.#contexts.notesOf(transaction);
    if (notes === undefined) return;
    if (isOver(notes)) this.#store({ ...open, notes }, now);
    else this.#room.alarm.noLaterThan(now + lookEvery, slack);
  }

  /** A BYE goes to the other end, which may refuse it: saved first, so that a crash does not lose it. */
  ending(bye: Bye, now: number): void {
    const name = dialogName(bye.dialog);
    const call = this.#isOff ? undefined : this.#inProgress(name, bye.other);
    if (call === undefined && !this.#isOff) this.#goesOn(this.#inProgress(name));
    if (call === undefined || (call.notes.bye !== undefined && call.notes.bye.isStray !== true)) return;
    this.#contexts.note(call.context.transaction, { ...call.notes, bye: noteBye(bye, call, now) }, true);
    this.#room.alarm.noLaterThan(now + this.#room.timers.transaction, lookEvery);
  }

  /** One end has another Contact. @param tag of that end @param other the home of the end that is not here, if it is known */
  retargeted(dialog: DialogIds, tag: string | undefined, contact: string, other?: HomeName): void {
    const call = this.#isOff ? undefined : this.#inProgress(dialogName(dialog), other);
    if (call === undefined) return;
    const { targets } = call.notes;
    const side = senderOf({ ...dialog, fromTag: tag }, call);
    const mark = uriMark(contact);
    const before = targets?.[side] ?? (side === "caller" ? targetMark(call.request) : undefined);
    if (before !== mark) this.#contexts.note(call.context.transaction, { ...call.notes, targets: { ...targets, [side]: mark } }, true);
  }

  /** The final response to a BYE has passed. */
  byeAnswered(dialog: DialogIds, status: number, now: number, answer: ByeAnswer = {}): void {
    const call = this.#isOff ? undefined : this.#inProgress(dialogName(dialog));
    if (call?.notes.bye === undefined || !isAnswerOf(call.notes.bye.other, answer)) return;
    const { isStray, isBinding, other: _other, ...end } = call.notes.bye;
    if (endsCall(status, { isStray, isBinding }, answer.isOfServer)) return this.#end(call, end, now, false);
    this.#goesOn(call);
  }

  /** What was noted of a BYE counts no more: it was refused, or the next answer may be that to a BYE for another one. */
  #goesOn(call: RecordedCall | undefined): void {
    if (call?.notes.bye === undefined) return;
    const { bye: _bye, ...goesOn } = call.notes;
    this.#contexts.note(call.context.transaction, goesOn, true);
  }

  /** The call is over, whatever its other end says. @param by who has ended it, if it is not the sender of the BYE */
  ended({ dialog, other }: Bye, by: EndedBy | undefined, now: number): void {
    // A BYE of the server for a phone here is in the name of the other end, but comes from this home.
    const isOfServer = by !== undefined && other === this.#room.home.name;
    const call = this.#isOff ? undefined : this.#inProgress(dialogName(dialog), isOfServer ? undefined : other);
    if (call !== undefined) this.#end(call, { at: now, by: by ?? senderOf(dialog, call) }, now);
  }

  /** This home has ended a call of a phone that was away too long. */
  lost(dialog: string, now: number): void {
    const call = this.#isOff ? undefined : this.#inProgress(dialog);
    if (call !== undefined) this.#end(call, { at: now, by: "network" }, now);
  }

  /** A call that this home has forwarded is over. */
  endedElsewhere({ to, at, by }: EndedEnvelope, now: number): void {
    const taker = takerOf(to);
    const name = taker.kind === "context" ? taker.transaction : undefined;
    const call = this.#contexts.unrecorded().find(({ context }) => context.transaction === name);
    if (call !== undefined) this.#end(call, { at, by }, now);
  }

  /** A call was refused before it had a context. @param why the server's explanation */
  refused(request: Request, sent: SentRequest, final: string, why: string | undefined, now: number): void {
    const status = Number(final.slice(8, 11));
    if (this.#isOff || request.method !== "INVITE" || status < 300 || status === 401 || status === 407) return;
    if (!this.#room.alarm.isReady || !this.#refused.take(now)) return;
    const reason = final.slice("SIP/2.0 400 ".length, final.indexOf("\r\n"));
    const { name, domain } = this.#room.home;
    const place = { parties: this.#partiesOf(sent, sent.answerTo.home !== name), domain, started: cameAt(sent, now), now };
    const record = recordOfRefused(request, sent.transaction, { status, reason, why }, place);
    if (this.#waiting().length >= maxWaiting) return;
    this.#room.memory.run("INSERT OR REPLACE INTO call_records (id, value) VALUES (?, ?)", record.id, recordShape.write(record));
    this.#storeRefused(record, now);
  }

  /** A phone in a call is back; a home that has lost its memory stores what it could not store before. */
  onRegistered({ phones }: Registered, now: number): void {
    for (const call of this.#storeWaiting(now)) {
      const phone = phoneIn(call);
      if (phone === undefined || !phones.includes(phone) || lostSince(call.notes) === undefined) continue;
      this.#contexts.note(call.context.transaction, noteEvents(call.notes, [{ at: now, event: "flow regained" }]), true);
    }
  }

  /** A phone in a call has lost its last connection. */
  onFlowClosed({ flow }: FlowClosed, now: number): void {
    if (this.#isOff || (flow.boundContacts.length === 0 && flow.activeCalls === undefined)) return;
    const gone = phoneOnFlow(flow);
    if (this.#room.sockets.newestTo(gone) !== undefined) return;
    for (const call of this.#contexts.unrecorded()) if (phoneIn(call) === gone) this.#isGone(call, now);
  }

  /** Stores what could not be stored before, and looks for calls that have ended without a BYE. */
  onAlarm(now: number): void {
    for (const call of this.#storeWaiting(now)) this.#lookAt(call, now);
  }

  /** Stores what could not be stored before. @returns the calls in progress */
  #storeWaiting(now: number): RecordedCall[] {
    if (this.#isOff) return [];
    for (const { value } of this.#waiting()) this.#storeRefused(recordShape.read(value), now);
    const calls = this.#contexts.unrecorded();
    for (const call of calls) if (isOver(call.notes)) this.#store(call, now);
    return calls.filter(({ notes }) => !isOver(notes));
  }

  /** The time until a call without its phone counts as over. */
  get #patience(): number {
    const { deadCallTime } = this.#room.configuration;
    return deadCallTime === 0 ? maxUnheard.here : deadCallTime * 1000;
  }

  #lookAt(call: RecordedCall, now: number): void {
    this.#room.alarm.noLaterThan(now + lookEvery, slack);
    const { bye } = call.notes;
    // Its answer was lost, or the memory between the two.
    if (bye !== undefined && bye.isStray !== true && now - bye.at >= this.#room.timers.transaction)
      return this.#end(call, { at: bye.at, by: bye.by }, now);
    if (bye !== undefined && bye.isStray !== true) return this.#room.alarm.noLaterThan(bye.at + this.#room.timers.transaction);
    const { callId } = mandatoryHeadersOf(call.request);
    if (this.#activeCalls.has(callId, now) || this.#waitsForPhone(call, now)) return;
    const phone = phoneIn(call);
    const since = lostSince(call.notes);
    const age = now - (call.notes.final?.at ?? now);
    const end: CallEnd = { at: now, by: "network" };
    if (phone === undefined || this.#room.sockets.newestTo(phone) !== undefined) {
      if (age > (phone === undefined ? maxUnheard.elsewhere : maxUnheard.here)) this.#end(call, end, now);
    } else if (since === undefined) this.#isGone(call, now);
    else if (now - since >= this.#patience) this.#end(call, end, now);
    else this.#room.alarm.noLaterThan(since + this.#patience);
  }

  /** The phone is away, and its domain waits longer than others. */
  #waitsForPhone({ notes }: RecordedCall, now: number): boolean {
    const end = notes.dialog === undefined ? undefined : this.#activeCalls.endOf(notes.dialog);
    return end !== undefined && end > now;
  }

  #isGone({ context, notes }: RecordedCall, now: number): void {
    if (notes.end !== undefined || notes.dialog === undefined || lostSince(notes) !== undefined) return;
    this.#contexts.note(context.transaction, noteEvents(notes, [{ at: now, event: "flow lost" }]), true);
    this.#room.alarm.noLaterThan(now + this.#patience + lookEvery, slack);
  }

  /** A call with an end here. @param other the home of its other end, whose BYE it is or whom it is for; any if undefined */
  #inProgress(dialog: string, other?: HomeName): RecordedCall | undefined {
    const { name } = this.#room.home;
    const isIt = (call: RecordedCall) => (other === undefined ? hasEndAt(call, name) : isWith(call, name, other));
    return this.#contexts.unrecorded().find((call) => call.notes.dialog === dialog && call.notes.end === undefined && isIt(call));
  }

  /** Saved first: the BYE goes on only when that is written. */
  #end(call: RecordedCall, end: CallEnd, now: number, isSaved = true): void {
    const notes = noteEnd(call.notes, end);
    if (notes === undefined) return;
    this.#contexts.note(call.context.transaction, notes, isSaved);
    this.#room.alarm.noLaterThan(now + lookEvery, slack);
    this.#store({ ...call, notes }, now);
  }

  /** The provisional responses that the sockets have noted. */
  #withProgress(transaction: TransactionId, notes: CallNotes): CallNotes {
    const isKnown = (branch: number, status: number) =>
      notes.timeline.some((one) => one.event === "provisional" && one.branch === branch && one.status === status);
    const events = this.#contexts.progressOf(transaction).filter(({ branch, status }) => !isKnown(branch, status));
    return events.length === 0 ? notes : noteEvents(notes, events);
  }

  /** Passes the record of a call that is over on to where records are kept; only then its context may go. */
  #store({ context, request, notes }: RecordedCall, now: number): void {
    const { transaction } = context;
    if (this.#sending.has(transaction)) return;
    void this.#confirm(
      this.#deliver({ context, request, notes }),
      transaction,
      () => this.#contexts.recorded(transaction, Date.now()),
      now,
    );
  }

  async #deliver({ context, request, notes }: RecordedCall): Promise<void> {
    const { answerTo } = context;
    const { end } = notes;
    if (wasForwarded(context)) {
      if (end !== undefined) await this.#passOn(answerTo.home, { kind: "ended", to: answerTo, ...end });
      return;
    }
    const record = recordOf(context, notes, request, this.#room.home.domain);
    if (record !== undefined) await this.#room.records?.keep(record);
  }

  #storeRefused(record: CallRecord, now: number): void {
    if (this.#sending.has(record.id)) return;
    const forget = () => this.#room.memory.run("DELETE FROM call_records WHERE id = ?", record.id);
    void this.#confirm(this.#room.records?.keep(record) ?? Promise.resolve(), record.id, forget, now);
  }

  /** What could not be stored stays in its row, and is tried again. */
  async #confirm(work: Promise<void>, name: string, then: () => void, now: number): Promise<void> {
    this.#sending.add(name);
    try {
      await work;
    } catch (error) {
      this.#room.log.note(Date.now(), "-", `the record of a call is not stored yet: ${String(error)}`);
      this.#room.alarm.noLaterThan(now + this.#pause);
      this.#pause = Math.min(2 * this.#pause, retryAfter.last);
      return;
    } finally {
      this.#sending.delete(name);
    }
    this.#pause = retryAfter.first;
    then();
  }

  #partiesOf({ identity, caller, answerTo, verification }: SentRequest, isIncoming: boolean): CallParties {
    const { home: from } = caller ?? answerTo;
    const { user, domain, name } = this.#room.home;
    const isOurs = !isNonSubscriberHome(from) && !isHopName(from);
    return {
      ...(isOurs ? { caller: identity } : {}),
      ...(isIncoming && !isNonSubscriberHome(name) ? { callee: `${user}@${domain}` } : {}),
      ...(isTrunkIdentity(identity) ? { trunk: trunkNamed(identity) } : {}),
      ...(verification === undefined ? {} : { verification }),
    };
  }

  #waiting(): { readonly value: string }[] {
    return this.#room.memory.all<{ value: string }>("SELECT value FROM call_records");
  }
}

/** Characters. */
const maxUserAgent = 200;
