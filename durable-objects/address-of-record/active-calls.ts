import { type Bye, type ByeAnswer, endsCall, endsDialog, isStray, uriMark } from "../../lib/proxy/bye.ts";
import type { HomeName, PhoneId } from "../../lib/transport/identifiers.ts";
import { type DialogIds, callName, callOf, dialogName, olderCallName } from "../../lib/proxy/call-name.ts";
import { farEnd } from "../../lib/proxy/hang-up.ts";
import { dialledMark } from "../../lib/proxy/route-token.ts";
import { isSameParty } from "../../lib/routing/hop-name.ts";
import type { Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import { type CallInProgress, type Flow, contactMark, phoneOnFlow } from "../../lib/transport/flow.ts";
import type { AnsweredCall } from "./answered-call.ts";
import { isLikely, maxDialogs, withDialog, withNewTarget, without } from "./dialog-list.ts";
import { type EndedAt, EndingCalls } from "./ending-calls.ts";
import type { FlowClosed, Part, Registered } from "./part.ts";
import type { Room } from "./room.ts";
import { type Suspended, SuspendedCalls } from "./suspended-calls.ts";
import { DeadCalls, isSamePhone } from "./dead-calls.ts";

/** A row of the table `calls`. */
interface Row extends Record<string, string | number> {
  readonly name: string;
  readonly phone: PhoneId;
  readonly registration: string;
  readonly since: number;
}

export const activeCallsTable = {
  active_calls: `CREATE TABLE IF NOT EXISTS active_calls (name TEXT PRIMARY KEY, phone TEXT NOT NULL, registration TEXT NOT NULL,
    since INTEGER NOT NULL) WITHOUT ROWID`,
} as const;

/**
 * The calls in progress of this home's phones, in the attachments of their sockets. If the user has a limit of calls, each also has a row,
 * which survives a crash that takes its socket.
 */
export class ActiveCalls implements Part {
  readonly #room: Room;
  readonly #isLimited: () => boolean;
  readonly #waitsFor: (phone: PhoneId, now: number) => number;
  readonly #suspended: SuspendedCalls;
  readonly #dead: DeadCalls;
  /** The names of calls with a row; undefined before the rows are read. */
  #rows: Set<string> | undefined;
  readonly #ending = new EndingCalls();
  /** Ended dialogs: a 2xx that is repeated after the BYE begins none. In memory only, because it is repeated for seconds only. */
  #over: readonly string[] = [];

  /**
   * @param isLimited whether the user has a limit of calls
   * @param waitsFor until when a phone that is away is waited for, in milliseconds
   * @param lost learns that a call was ended because its phone is gone
   */
  constructor(
    room: Room,
    isLimited: () => boolean,
    waitsFor: (phone: PhoneId, now: number) => number,
    passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>,
    lost: (dialog: string, now: number) => void,
  ) {
    this.#room = room;
    this.#isLimited = isLimited;
    this.#waitsFor = waitsFor;
    this.#suspended = new SuspendedCalls(room);
    this.#dead = new DeadCalls(room, this.#suspended, passOn, lost);
  }

  count(now: number): number {
    return this.all(now).length;
  }

  /** Whether a call with this Call-ID is in progress. */
  has(callId: string, now: number): boolean {
    return this.ofCall(callId, now).length > 0;
  }

  /** Whether this dialog is in progress. */
  knows(dialog: DialogIds, now: number): boolean {
    return this.ofCall(dialog.callId, now).some(({ name }) => name === dialogName(dialog));
  }

  /** Whether this dialog has begun and has had no BYE, however long ago that was. */
  isNoted(dialog: DialogIds, now: number): boolean {
    const name = dialogName(dialog);
    return this.#noted(now).some((call) => call.name === name);
  }

  /** The dialogs in progress with this Call-ID. */
  ofCall(callId: string, now: number): readonly CallInProgress[] {
    const calls = this.#noted(now);
    if (calls.length === 0) return calls;
    const [call, older] = [callName(callId), olderCallName(callId)];
    return calls.filter(({ name, since }) => (callOf(name) === call || name === older) && isLikely(since, now));
  }

  #noted(now: number): readonly CallInProgress[] {
    const away = [...this.#suspended.all().values()].filter(({ until }) => until > now);
    return [...this.#room.sockets.all(), ...away].flatMap(({ activeCalls = [] }) => activeCalls);
  }

  /** The user's phone in a dialog, also if it is away; the caller's if both ends are here. */
  phoneOf(name: string): PhoneId | undefined {
    const isOne = (call: CallInProgress) => call.name === name;
    const flow = this.#room.sockets.all().find(({ activeCalls = [] }) => activeCalls.some(isOne));
    if (flow !== undefined) return phoneOnFlow(flow);
    return [...this.#suspended.all()].find(([, { activeCalls }]) => activeCalls.some(isOne))?.[0];
  }

  /** Each dialog once, even if both its ends are here. */
  all(now: number): CallInProgress[] {
    if (this.#isLimited()) this.#read(now);
    for (const [phone, suspended] of this.#suspended.all()) if (suspended.until <= now) this.#lapse(phone, suspended);
    const away = [...this.#suspended.all().values()].filter(({ until }) => until > now).flatMap(({ activeCalls }) => activeCalls);
    const present = this.#room.sockets.all().flatMap((flow) => flow.activeCalls ?? []);
    const likely = [...present, ...away].filter(({ since }) => isLikely(since, now));
    return [...new Map(likely.map((call) => [call.name, call])).values()];
  }

  /** After each event: calls under a limit get their row. */
  afterEvent(now: number): void {
    const busy = this.#room.sockets.all().filter(({ activeCalls = [] }) => activeCalls.length > 0);
    if (busy.length === 0 || !this.#isLimited()) return;
    const rows = this.#read(now);
    for (const { activeCalls: dialogs = [], boundContacts } of busy) {
      const [binding] = boundContacts;
      for (const { name, since } of binding === undefined ? [] : dialogs) {
        if (!rows.has(name)) this.#write({ name, phone: binding?.phone ?? "", registration: binding?.callId ?? "", since });
      }
    }
  }

  /**
   * Another phone has answered a call that this flow has placed and that is in progress: it creates a second dialog (RFC 3261 §13.2.2.4).
   */
  forked({ id }: Flow, answered: AnsweredCall, now: number): void {
    const activeCalls = this.#room.sockets.byId(id)?.activeCalls ?? [];
    const name = dialogName(answered);
    const others = activeCalls.filter((one) => callOf(one.name) === callName(answered.callId));
    const isNew = others.length > 0 && !this.#over.includes(name) && others.every((one) => one.name !== name && one.name !== callOf(name));
    if (isNew) this.#room.sockets.update(id, { activeCalls: withDialog(activeCalls, answered, now) });
  }

  /** A BYE has passed. Returns whether no refusal of it counts. */
  ended(bye: Bye): boolean {
    const { dialog, isBinding, again } = bye;
    const names = [dialogName(dialog), callName(dialog.callId), olderCallName(dialog.callId)];
    if (this.#isWithAnother(names, bye.other)) return false;
    const other = bye.isOurs ? bye.other : undefined;
    const traits = { isStray: bye.isCompared !== true && this.#hasStrayed(names, bye), isBinding, again, other };
    this.#over = [...this.#over, ...names.slice(0, 1)].slice(-maxOver);
    for (const { id, activeCalls } of this.#room.sockets.all()) {
      const own = activeCalls?.filter(({ name }) => names.includes(name)) ?? [];
      if (activeCalls === undefined || own.length === 0) continue;
      for (const call of own) this.#ending.note(call, { flow: id }, traits, Date.now());
      this.#room.sockets.update(id, { activeCalls: without(activeCalls, names) });
    }
    for (const [phone, suspended] of this.#suspended.all()) {
      // The other phone is one of this user's, too.
      if (this.#dead.isEnding(phone)) continue;
      for (const call of suspended.activeCalls.filter(({ name }) => names.includes(name)))
        this.#ending.note(call, { phone, suspended }, traits, Date.now());
      const dialogs = without(suspended.activeCalls, names);
      if (dialogs.length === 0) this.#suspended.forget(phone);
      else if (dialogs.length < suspended.activeCalls.length) this.#suspended.keep(phone, { ...suspended, activeCalls: dialogs });
    }
    if (this.#isLimited()) for (const name of names) this.#drop(name);
    return isBinding && !traits.isStray;
  }

  /** Whether the other end of a call is known not to be this one, who has a dialog with the same Call-ID and tags. */
  #isWithAnother(names: readonly string[], other: HomeName): boolean {
    const { home, keyring } = this.#room;
    const calls = this.#room.sockets.all().flatMap(({ activeCalls = [] }) => activeCalls.filter(({ name }) => names.includes(name)));
    const ends = calls.flatMap(({ details }) => (details === undefined ? [] : (farEnd(keyring, details)?.home ?? [])));
    return other !== home.name && ends.length > 0 && !ends.some((end) => isSameParty(end, other));
  }

  /** The other end of a call has another Contact from now on. */
  retargeted(dialog: DialogIds, target: string): void {
    const name = dialogName(dialog);
    const hasOther = ({ name: own, details }: CallInProgress) =>
      own === name && details !== undefined && (details.newTarget ?? details.target) !== target;
    for (const { id, activeCalls = [] } of this.#room.sockets.all()) {
      if (!activeCalls.some(hasOther) || target.length > maxTarget) continue;
      const changed = activeCalls.map((call) => (hasOther(call) ? withNewTarget(call, target) : call));
      this.#room.sockets.update(id, { activeCalls: changed });
    }
  }

  /** Whether a BYE does not go to the Contact of the end that it is for. */
  #hasStrayed(names: readonly string[], { requestUri, isOurs }: Bye): boolean {
    const flows = this.#room.sockets.all().map(({ activeCalls = [], boundContacts }) => {
      const calls = activeCalls.filter(({ name }) => names.includes(name));
      const far = calls.flatMap(({ details }) => [details?.target, details?.newTarget].filter((target) => target)).map(markOf);
      return isOurs ? far : calls.flatMap(() => boundContacts.map(({ contact }) => dialledMark(contact)));
    });
    return isStray(requestUri, flows.flat());
  }

  /** The final response to a BYE has passed: after a refusal that counts, the call goes on. */
  byeAnswered(dialog: DialogIds, status: number, answer: ByeAnswer = {}): void {
    const name = dialogName(dialog);
    const ends = this.#ending.take(name, answer);
    if (ends === undefined || endsDialog(status, ends[0]?.bye.isStray)) return;
    if (endsCall(status, ends[0]?.bye, answer.isOfServer)) return this.#dead.refused(ends);
    this.#over = this.#over.filter((one) => one !== name);
    // Both ends may be phones of this user.
    for (const { call, at } of ends) this.#goesOnAfter(call, at);
  }

  /** At its socket, or at that on which its phone is back. */
  #goesOnAfter(call: CallInProgress, at: EndedAt): void {
    const { sockets } = this.#room;
    const flow = at.flow === undefined ? sockets.newestTo(at.phone) : sockets.byId(at.flow);
    const { activeCalls = [] } = flow ?? {};
    if (flow !== undefined) return void sockets.update(flow.id, { activeCalls: [...activeCalls, call].slice(-maxDialogs) });
    if (at.flow !== undefined) return;
    const suspended = this.#suspended.all().get(at.phone) ?? { ...at.suspended, activeCalls: [] };
    this.#suspended.keep(at.phone, { ...suspended, activeCalls: [...suspended.activeCalls, call].slice(-maxDialogs) });
  }

  /** Calls that a BYE has just ended, whose other end may refuse it. */
  ending(now: number): number {
    return this.#ending.count(now);
  }

  onFlowClosed({ flow, isOnPurpose }: FlowClosed, now: number): void {
    const { activeCalls = [] } = flow;
    if (activeCalls.length === 0) return;
    const phone = phoneOnFlow(flow);
    const registration = flow.boundContacts[0]?.callId ?? "";
    const contact = contactMark(flow, phone);
    // The phone may be back before its loss was noticed.
    const successor = this.#room.sockets.newestTo(phone);
    const more = contact === undefined ? {} : { contact };
    if (successor !== undefined) return this.#transfer(successor, phone, { registration, ...more }, activeCalls, now);
    const before = this.#suspended.all().get(phone);
    const all =
      before === undefined || before.over !== undefined ? activeCalls : [...before.activeCalls, ...activeCalls].slice(-maxDialogs);
    const dead = this.#dead.due(isOnPurpose, now);
    const dying = dead === undefined ? {} : { dead };
    this.#suspended.keep(phone, { activeCalls: all, registration, until: this.#waitsFor(phone, now), ...more, ...dying });
    this.#dead.askDomain(phone, isOnPurpose, now);
  }

  /** Another socket of a phone continues its calls, unless the phone has restarted. */
  #transfer(
    successor: Flow,
    phone: PhoneId,
    before: Pick<Suspended, "registration" | "contact">,
    activeCalls: readonly CallInProgress[],
    now: number,
  ): void {
    const { activeCalls: own = [] } = this.#room.sockets.byId(successor.id) ?? {};
    if (isSamePhone(successor, phone, before, now))
      this.#room.sockets.update(successor.id, { activeCalls: [...own, ...activeCalls].slice(-maxDialogs) });
    else this.#countNoMore(activeCalls);
  }

  /** A phone is back with its calls. */
  onRegistered({ flow: { id }, phones }: Pick<Registered, "flow" | "phones">, now: number): void {
    const flow = this.#room.sockets.byId(id);
    if (this.#isLimited()) this.#read(now);
    for (const phone of phones) {
      const suspended = this.#suspended.all().get(phone);
      if (flow !== undefined && suspended !== undefined) this.#goesOn(flow, phone, suspended, now);
    }
  }

  #goesOn(flow: Flow, phone: PhoneId, suspended: Suspended, now: number): void {
    const own = flow.boundContacts.find((one) => one.phone === phone);
    const mark = contactMark(flow, phone);
    const isSame = isSamePhone(flow, phone, suspended, now);
    const hasRestarted = suspended.contact !== undefined && mark !== undefined;
    if (!isSame) this.#countNoMore(suspended.activeCalls);
    if (!isSame && suspended.over === undefined && hasRestarted) return this.#dead.startedAnew(phone, suspended, now);
    this.#suspended.forget(phone);
    if (isSame && suspended.over === undefined) this.#transfer(flow, phone, suspended, suspended.activeCalls, now);
    if (isSame && suspended.over !== undefined && own !== undefined) this.#dead.tell(own, suspended, now);
  }

  /** The other ends of phones that have been away too long get a BYE; calls of phones that are back go on. */
  onAlarm(now: number): void {
    for (const [phone, suspended] of this.#suspended.all()) {
      const successor = this.#room.sockets.newestTo(phone);
      if (successor !== undefined && isSamePhone(successor, phone, suspended, now))
        this.onRegistered({ flow: successor, phones: [phone] }, now);
    }
    this.#dead.passDeadlines(now);
  }

  /** When a call of a phone that is away is ended, in milliseconds; undefined if that is not known. */
  endOf(dialog: string): number | undefined {
    return this.#dead.endOf(dialog);
  }

  /** Whether other ends still have to get a BYE. */
  hasCalls(): boolean {
    return this.#dead.hasCalls();
  }

  /** Calls of a phone that has been away for long no longer count, even if they may not be over. */
  #lapse(phone: PhoneId, { activeCalls, dead }: Suspended): void {
    if (dead === undefined) this.#suspended.forget(phone);
    this.#countNoMore(activeCalls);
  }

  /** These no longer count. */
  #countNoMore(activeCalls: readonly CallInProgress[]): void {
    if (this.#isLimited()) for (const { name } of activeCalls) this.#drop(name);
  }

  /** The rows, read once after the object woke up. A call without a socket has lost it: its phone is waited for. */
  #read(now: number): Set<string> {
    if (this.#rows !== undefined) return this.#rows;
    const rows = this.#room.memory.all<Row>("SELECT * FROM active_calls");
    this.#rows = new Set(rows.map(({ name }) => name));
    const holders = [...this.#room.sockets.all(), ...this.#suspended.all().values()];
    const known = new Set(holders.flatMap(({ activeCalls = [] }) => activeCalls.map(({ name }) => name)));
    for (const { name, phone, registration, since } of rows) {
      if (known.has(name)) continue;
      const { activeCalls: dialogs = [], ...more } = this.#suspended.all().get(phone) ?? {};
      this.#suspended.keep(phone, {
        ...more,
        activeCalls: [...dialogs, { name, since }],
        registration,
        until: now + this.#room.timers.grace,
      });
    }
    return this.#rows;
  }

  #write({ name, phone, registration, since }: Row): void {
    this.#rows?.add(name);
    const columns = "name, phone, registration, since";
    this.#room.memory.run(`INSERT OR REPLACE INTO active_calls (${columns}) VALUES (?, ?, ?, ?)`, name, phone, registration, since);
  }

  #drop(name: string): void {
    if (this.#rows?.delete(name) === false) return;
    this.#room.memory.run("DELETE FROM active_calls WHERE name = ?", name);
  }
}

const maxOver = 100;
/** Characters of a Contact in an attachment. */
const maxTarget = 160;

function markOf(target: string | undefined): string | undefined {
  return target === undefined ? undefined : uriMark(target);
}
