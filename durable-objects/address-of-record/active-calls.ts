import { type DialogIds, callName, callOf, dialogName } from "../../lib/proxy/call-name.ts";
import { readCallDetails } from "../../lib/presence/call-details.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { type Message, type Request, type Response, headerValue } from "../../lib/syntax/message.ts";
import { parseFromTo } from "../../lib/syntax/from-to.ts";
import { routeIn } from "../../lib/proxy/route-token.ts";
import type { DialogEnd, Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import { type CallDetails, type CallInProgress, type Flow, contactMark, phoneOnFlow } from "../../lib/transport/flow.ts";
import type { FlowClosed, Part, Registered } from "./part.ts";
import type { Room } from "./room.ts";
import { type Away, SuspendedCalls } from "./suspended-calls.ts";
import { DeadCalls, isSamePhone } from "./dead-calls.ts";

/** A row of the table `calls`. */
interface Row extends Record<string, string | number> {
  readonly name: string;
  readonly phone: string;
  readonly registration: string;
  readonly since: number;
}

export const activeCallsTable = {
  active_calls: `CREATE TABLE IF NOT EXISTS active_calls (name TEXT PRIMARY KEY, phone TEXT NOT NULL, registration TEXT NOT NULL,
    since INTEGER NOT NULL) WITHOUT ROWID`,
} as const;

/**
 * The calls in progress of this home's phones: they ride in the attachments of the sockets they are on. Where they are
 * counted, since the user has a limit, each has a row besides, which outlives a crash that takes its socket.
 */
export class ActiveCalls implements Part {
  readonly #room: Room;
  readonly #isLimited: () => boolean;
  readonly #waitsFor: (phone: string, now: number) => number;
  readonly #away: SuspendedCalls;
  readonly #dead: DeadCalls;
  /** The names of those that have a row of their own; undefined before these have been read. */
  #rows: Set<string> | undefined;
  /** Dialogs that have ended: a 2xx that comes again behind the BYE begins none. In memory only, since it comes again for seconds. */
  #over: readonly string[] = [];

  /** @param isLimited whether the user may have so many calls only */
  /**
   * @param isLimited whether the user may have so many calls only
   * @param waitsFor until when a phone that is away is waited for, in milliseconds
   */
  constructor(
    room: Room,
    isLimited: () => boolean,
    waitsFor: (phone: string, now: number) => number,
    passOn: (home: string, envelope: RequestEnvelope) => Promise<Receipt>,
  ) {
    this.#room = room;
    this.#isLimited = isLimited;
    this.#waitsFor = waitsFor;
    this.#away = new SuspendedCalls(room);
    this.#dead = new DeadCalls(room, this.#away, passOn);
  }

  count(now: number): number {
    return this.all(now).length;
  }

  /** Whether a call with this Call-ID is in progress. */
  has(callId: string, now: number): boolean {
    const call = callName(callId);
    const isOne = ({ name, since }: CallInProgress) => callOf(name) === call && isLikely(since, now);
    for (const { dialogs } of this.#room.sockets.all()) if (dialogs?.some(isOne) === true) return true;
    for (const { until, dialogs } of this.#away.all().values()) if (until > now && dialogs.some(isOne)) return true;
    return false;
  }

  /** Each dialog once, though both its ends may be here. */
  all(now: number): CallInProgress[] {
    if (this.#isLimited()) this.#read(now);
    for (const [phone, away] of this.#away.all()) if (away.until <= now) this.#lapse(phone, away);
    const away = [...this.#away.all().values()].filter(({ until }) => until > now).flatMap(({ dialogs }) => dialogs);
    const present = this.#room.sockets.all().flatMap((flow) => flow.dialogs ?? []);
    const likely = [...present, ...away].filter(({ since }) => isLikely(since, now));
    return [...new Map(likely.map((call) => [call.name, call])).values()];
  }

  /** After each event: what a limit counts gets its row. */
  afterEvent(now: number): void {
    const busy = this.#room.sockets.all().filter(({ dialogs = [] }) => dialogs.length > 0);
    if (busy.length === 0 || !this.#isLimited()) return;
    const rows = this.#read(now);
    for (const { dialogs = [], carried } of busy) {
      const [binding] = carried;
      for (const { name, since } of binding === undefined ? [] : dialogs) {
        if (!rows.has(name)) this.#write({ name, phone: binding?.phone ?? "", registration: binding?.callId ?? "", since });
      }
    }
  }

  /** Another phone has answered a call in progress that this flow has placed: it makes a dialog beside the first (RFC 3261 §13.2.2.4). */
  forked({ id }: Flow, answered: AnsweredCall, now: number): void {
    const dialogs = this.#room.sockets.byId(id)?.dialogs ?? [];
    const name = dialogName(answered);
    const others = dialogs.filter((one) => callOf(one.name) === callName(answered.callId));
    const isNew = others.length > 0 && !this.#over.includes(name) && others.every((one) => one.name !== name && one.name !== callOf(name));
    if (isNew) this.#room.sockets.update(id, { dialogs: withDialog(dialogs, answered, now) });
  }

  /** A BYE has gone by. */
  ended(dialog: DialogIds): void {
    const names = [dialogName(dialog), callName(dialog.callId)];
    this.#over = [...this.#over, ...names.slice(0, 1)].slice(-maxOver);
    for (const { id, dialogs } of this.#room.sockets.all()) {
      if (dialogs?.some(({ name }) => names.includes(name)) === true) this.#room.sockets.update(id, { dialogs: without(dialogs, names) });
    }
    for (const [phone, away] of this.#away.all()) {
      const dialogs = without(away.dialogs, names);
      if (dialogs.length === 0) this.#away.forget(phone);
      else if (dialogs.length < away.dialogs.length) this.#away.keep(phone, { ...away, dialogs });
    }
    if (this.#isLimited()) for (const name of names) this.#drop(name);
  }

  onFlowClosed({ flow, isOnPurpose }: FlowClosed, now: number): void {
    const { dialogs = [] } = flow;
    if (dialogs.length === 0) return;
    const phone = phoneOnFlow(flow);
    const registration = flow.carried[0]?.callId ?? "";
    const contact = contactMark(flow, phone);
    // It may have come back before it was noticed that it had gone.
    const successor = this.#room.sockets.newestTo(phone);
    if (successor !== undefined) return this.#transfer(successor, { phone, registration }, dialogs);
    const before = this.#away.all().get(phone);
    const all = before === undefined || before.over !== undefined ? dialogs : [...before.dialogs, ...dialogs].slice(-maxDialogs);
    const dead = this.#dead.due(isOnPurpose, now);
    const more = { ...(contact === undefined ? {} : { contact }), ...(dead === undefined ? {} : { dead }) };
    this.#away.keep(phone, { dialogs: all, registration, until: this.#waitsFor(phone, now), ...more });
  }

  /** Another socket of a phone goes on with its calls, unless the phone has started anew. */
  #transfer(successor: Flow, { phone, registration }: { phone: string; registration: string }, dialogs: readonly CallInProgress[]): void {
    const { dialogs: own = [] } = this.#room.sockets.byId(successor.id) ?? {};
    if (isSamePhone(successor, phone, { registration }))
      this.#room.sockets.update(successor.id, { dialogs: [...own, ...dialogs].slice(-maxDialogs) });
    else this.#countNoMore(dialogs);
  }

  /** A phone is back, and its calls with it. */
  onRegistered({ flow: { id }, phones }: Pick<Registered, "flow" | "phones">, now: number): void {
    const flow = this.#room.sockets.byId(id);
    if (this.#isLimited()) this.#read(now);
    for (const phone of phones) {
      const away = this.#away.all().get(phone);
      if (flow !== undefined && away !== undefined) this.#goesOn(flow, phone, away, now);
    }
  }

  #goesOn(flow: Flow, phone: string, away: Away, now: number): void {
    const own = flow.carried.find((one) => one.phone === phone);
    const mark = contactMark(flow, phone);
    const isSame = isSamePhone(flow, phone, away);
    const isAnother = away.contact !== undefined && mark !== undefined && mark !== away.contact;
    if (!isSame) this.#countNoMore(away.dialogs);
    if (!isSame && away.over === undefined && isAnother) return this.#dead.startedAnew(phone, away, now);
    this.#away.forget(phone);
    if (isSame && away.over === undefined) this.#transfer(flow, { phone, registration: away.registration }, away.dialogs);
    if (isSame && away.over !== undefined && own !== undefined) this.#dead.tell(own, away, now);
  }

  /** The other ends of phones that have been away for too long are told; of those that are back, calls go on. */
  onAlarm(now: number): void {
    for (const [phone, away] of this.#away.all()) {
      const successor = this.#room.sockets.newestTo(phone);
      if (successor !== undefined && isSamePhone(successor, phone, away)) this.onRegistered({ flow: successor, phones: [phone] }, now);
    }
    this.#dead.passDeadlines(now);
  }

  /** Whether other ends have yet to be told. */
  hasCalls(): boolean {
    return this.#dead.hasCalls();
  }

  /** Calls of a phone that has been away for long do not count any more; whether they are over is another question. */
  #lapse(phone: string, { dialogs, dead }: Away): void {
    if (dead === undefined) this.#away.forget(phone);
    this.#countNoMore(dialogs);
  }

  /** These count no more. */
  #countNoMore(dialogs: readonly CallInProgress[]): void {
    if (this.#isLimited()) for (const { name } of dialogs) this.#drop(name);
  }

  /** The rows, once since the object woke up: what no socket knows of has lost its own, and its phone is waited for. */
  #read(now: number): Set<string> {
    if (this.#rows !== undefined) return this.#rows;
    const rows = this.#room.memory.all<Row>("SELECT * FROM active_calls");
    this.#rows = new Set(rows.map(({ name }) => name));
    const holders = [...this.#room.sockets.all(), ...this.#away.all().values()];
    const known = new Set(holders.flatMap(({ dialogs = [] }) => dialogs.map(({ name }) => name)));
    for (const { name, phone, registration, since } of rows) {
      if (known.has(name)) continue;
      const { dialogs = [], ...more } = this.#away.all().get(phone) ?? {};
      this.#away.keep(phone, { ...more, dialogs: [...dialogs, { name, since }], registration, until: now + this.#room.timers.grace });
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

const maxDialogs = 50;
const maxOver = 100;
/** Of so many calls of a socket more is known than that they are: attachments are small. */
const maxDetailed = 4;
/** Milliseconds: a call that has lasted longer has ended without anybody saying so, or nobody minds that it is not counted. */
const maxCall = 4 * 3_600_000;

/** A call that has been answered. */
export interface AnsweredCall extends DialogIds {
  readonly details: CallDetails | undefined;
}

/** The dialogs of a flow with another one, if it is not among them; without those that cannot be any more. */
export function withDialog(dialogs: readonly CallInProgress[] = [], answered: AnsweredCall, now: number): readonly CallInProgress[] {
  const { details } = answered;
  const name = dialogName(answered);
  const likely = dialogs.filter((one) => isLikely(one.since, now));
  if (likely.some((one) => one.name === name)) return likely;
  const call: CallInProgress = { name, since: now, ...(details === undefined ? {} : { details }) };
  return [...likely.slice(1 - maxDialogs), call].map((one, index, all) => (index < all.length - maxDetailed ? brief(one) : one));
}

function brief({ name, since }: CallInProgress): CallInProgress {
  return { name, since };
}

function isLikely(since: number, now: number): boolean {
  return now - since < maxCall;
}

function without(dialogs: readonly CallInProgress[], names: readonly string[]): readonly CallInProgress[] {
  return dialogs.filter(({ name }) => !names.includes(name));
}

/** Of a 2xx to a call that our user has placed. */
export function placedCall(response: Response): AnsweredCall {
  const route = routeIn(response);
  return answeredCall(response, response, true, route === undefined ? {} : { route });
}

/** Of a 2xx of our user's phone. @param invite in which the other side's Contact is */
export function takenCall(response: Response, invite: Request, far: DialogEnd): AnsweredCall {
  return answeredCall(response, invite, false, { far: { home: far.home, phone: far.phone } });
}

function answeredCall(response: Response, contactIn: Message, isCaller: boolean, way: Pick<CallDetails, "far" | "route">): AnsweredCall {
  const known = readCallDetails(response, contactIn, isCaller);
  const callId = headerValue(response, "call-id") ?? "";
  const tag = (name: "from" | "to") => {
    const party = parseFromTo(headerValue(response, name) ?? "");
    return isFault(party) ? undefined : party.tag;
  };
  return { callId, fromTag: tag("from"), toTag: tag("to"), details: known === undefined ? undefined : { ...known, ...way } };
}
