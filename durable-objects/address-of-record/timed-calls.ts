import { headerIn } from "../../lib/failed-call.ts";
import type { TokenLimits } from "../../lib/authentication/token-limits.ts";
import { type DialogIds, callName, callOf, dialogName } from "../../lib/proxy/call-name.ts";
import { readCallDetails } from "../../lib/presence/call-details.ts";
import { routeSetOf } from "../../lib/proxy/route-token.ts";
import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Request, type Response, hasHeader, headerValues } from "../../lib/syntax/message.ts";
import { decodedText } from "../../lib/syntax/octets.ts";
import { type CallDetails, type Flow, phoneOnFlow } from "../../lib/transport/flow.ts";
import type { PhoneId, TransactionId } from "../../lib/transport/identifiers.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import { dialogIdsOf } from "./answered-call.ts";
import { HangUp } from "./hang-up.ts";
import type { Part } from "./part.ts";
import type { Room } from "./room.ts";

/** A call that is ended at a certain time. */
interface TimedCall {
  readonly details: CallDetails;
  /** Of our user, and its Contact. */
  readonly phone: PhoneId;
  readonly contact: string;
  /** Milliseconds. */
  readonly since: number;
  readonly endsAt: number;
  /** A BYE says so. What it says is not believed: at its end the call gets another one. */
  readonly isSaidToBeOver?: true;
}

type WithinDialog = RoutingDecision & { readonly kind: "dialog" };

/** Milliseconds. */
const pauseBetweenAttempts = 5000;
const maxAttempt = 600_000;
/** At one time: no more begin then. Of those that ring, each may still be answered by several phones. */
const [maxCalls, maxRows] = [50, 1000];
/** Dialogs of one call. */
const maxDialogs = 8;
/** Of a name or address in them: a row has room for what a message has. */
const maxText = Number.POSITIVE_INFINITY;

/** In a BYE from the server. */
const why = "the token of the caller allows no longer call";

const timedShape = storedShape<TimedCall>((older) => older);

/** An INVITE of a user of this home. */
interface PlacedInvite {
  readonly callId: string;
  readonly transaction: TransactionId;
}

/** Of one call there may be several INVITEs. */
function inviteName({ callId, transaction }: PlacedInvite): string {
  return `${callName(callId)}.${transaction}`;
}

/** A row of the table `timed_invites`: an INVITE of a call that was placed. */
interface TimedInvite extends Record<string, string | number> {
  /** `inviteName` */
  readonly name: string;
  readonly seconds: number;
  /** Milliseconds: when it is forgotten. */
  readonly until: number;
}

export const timedCallsTable = {
  timed_invites: `CREATE TABLE IF NOT EXISTS timed_invites (name TEXT PRIMARY KEY, seconds INTEGER NOT NULL, until INTEGER NOT NULL)
    WITHOUT ROWID`,
  timed_calls: "CREATE TABLE IF NOT EXISTS timed_calls (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/**
 * Calls that a token allows for a number of seconds. Each has a row, which says all that their end needs: it comes whatever becomes of the
 * connection, of the memory of this home, and of the caller's will.
 */
export class TimedCalls implements Part {
  readonly #room: Room;
  readonly #hangUp: HangUp;
  #known: Map<string, TimedCall> | undefined;
  /** When the BYEs of a call are sent again that did not arrive, in milliseconds. */
  readonly #nextAttempts = new Map<string, number>();
  #placed: Map<string, TimedInvite> | undefined;

  constructor(room: Room, passOn: ConstructorParameters<typeof HangUp>[1]) {
    this.#room = room;
    this.#hangUp = new HangUp(room, passOn, "server");
  }

  /** A 2xx for a call is about to be sent to its caller: from now on its time runs. A repeated one changes nothing. */
  began({ tokenLimits, boundContacts, ...flow }: Flow, answer: Response, now: number): void {
    const ids = dialogIdsOf(answer);
    const seconds = this.#secondsOf(tokenLimits, ids.callId);
    if (seconds === undefined) return;
    const name = dialogName(ids);
    const before = this.#read().get(name);
    // The details of a row without a Route are those that its caller has written in a request.
    const known = before?.details.route === undefined ? readCallDetails(answer, answer, true, maxText) : undefined;
    if (known === undefined) return;
    const details = { ...before?.details, ...known, ...routeSetOf(this.#room.keyring, answer, true, maxText) };
    const phone = phoneOnFlow({ ...flow, boundContacts });
    const contact = boundContacts[0]?.contact ?? known.local;
    const times = before ?? { since: now, endsAt: now + seconds * 1000 };
    this.#keep(name, { ...times, details, phone, contact });
  }

  /** An ACK of a call that this flow has placed. If the answer came when the caller had no connection, its time runs from here. */
  acknowledged(flow: Flow, ack: Request, mandatory: MandatoryHeaders, way: WithinDialog, now: number): void {
    const name = dialogName(mandatory);
    const seconds = this.#secondsOf(flow.tokenLimits, mandatory.callId);
    if (seconds === undefined || !way.isFromCaller || this.#read().has(name)) return;
    const { requestUri = ack.requestUri, popRoutes = 0 } = way.alterations;
    const [local, target] = [mandatory.from.uri, requestUri].map(decodedText) as [string, string];
    const tags = { localTag: decodedText(mandatory.fromTag ?? ""), remoteTag: decodedText(mandatory.toTag ?? "") };
    const uris = { local, target, remote: decodedText(mandatory.to.uri) };
    const routes = hasHeader(ack, "route") ? headerValues(ack, "route").slice(popRoutes).map(decodedText) : [];
    const details: CallDetails = { callId: decodedText(mandatory.callId), ...tags, ...uris, routes, far: way.receiver, isCaller: true };
    const contact = flow.boundContacts[0]?.contact ?? local;
    this.#keep(name, { details, phone: phoneOnFlow(flow), contact, since: now, endsAt: now + seconds * 1000 });
  }

  /** An INVITE was refused: it waits for no answer any more. Another one with its Call-ID may. */
  refused(response: string, transaction: TransactionId): void {
    if (this.#invites().size > 0) this.#forgetInvite(inviteName({ callId: headerIn(response, ["call-id", "i"]) ?? "", transaction }));
  }

  /** It still rings (RFC 3261 §16.7 step 2: each provisional response gives it as long again). */
  rings(response: string, transaction: TransactionId, now: number): void {
    if (this.#invites().size === 0) return;
    const name = inviteName({ callId: headerIn(response, ["call-id", "i"]) ?? "", transaction });
    const known = this.#invites().get(name);
    const until = this.#patienceFrom(now);
    if (known !== undefined && until - known.until > this.#room.timers.timerC / 4) this.#note({ ...known, until });
  }

  /** Until when an INVITE has had its answer, in milliseconds. */
  #patienceFrom(now: number): number {
    return now + this.#room.timers.timerC + this.#room.timers.transaction;
  }

  /**
   * A BYE of either end has passed, or its answer. It may have been another dialog's with the Call-ID and tags of the call, or written to be
   * answered by another one: the call gets its end all the same, which a call that is over does not know.
   */
  saidToBeOver(dialog: DialogIds): void {
    const name = dialogName(dialog);
    const call = this.#read().get(name);
    if (call !== undefined && call.isSaidToBeOver === undefined) this.#keep(name, { ...call, isSaidToBeOver: true });
  }

  /** Whether there are so many that no other one may begin: each keeps its row to its end, whatever is said of it. */
  isFull(): boolean {
    const all = [...this.#read()];
    const present = all.filter(([, { isSaidToBeOver }]) => isSaidToBeOver === undefined).map(([name]) => callOf(name));
    const answered = new Set(all.map(([name]) => callOf(name)));
    const waiting = [...this.#invites().keys()].filter((name) => !answered.has(callOf(name)));
    return present.length + waiting.length >= maxCalls || all.length >= maxRows - maxCalls * maxDialogs;
  }

  /** Whether an answer to a call on this connection may begin its time. */
  mayBegin({ tokenLimits }: Flow): boolean {
    return tokenLimits?.maximumSeconds !== undefined || this.#invites().size > 0;
  }

  /**
   * A call is about to begin: its time is that of the token of this connection, on whatever connection its answer is heard.
   */
  placed({ tokenLimits }: Flow, invite: PlacedInvite, now: number): void {
    const seconds = tokenLimits?.maximumSeconds;
    if (seconds !== undefined) this.#note({ name: inviteName(invite), seconds, until: this.#patienceFrom(now) });
  }

  #note(invite: TimedInvite): void {
    const { name, seconds, until } = invite;
    this.#invites().set(name, invite);
    this.#room.memory.run("INSERT OR REPLACE INTO timed_invites (name, seconds, until) VALUES (?, ?, ?)", name, seconds, until);
    this.#room.alarm.noLaterThan(until);
  }

  /** Whether there are calls to end: the home of a guest stays for that. */
  hasCalls(): boolean {
    return this.#read().size > 0;
  }

  onAlarm(now: number): void {
    for (const { name, until } of [...this.#invites().values()]) {
      if (until > now) this.#room.alarm.noLaterThan(until);
      else this.#forgetInvite(name);
    }
    for (const [name, call] of this.#read()) {
      if (call.endsAt > now) this.#room.alarm.noLaterThan(call.endsAt);
      else this.#end(name, call, now);
    }
  }

  /** The row stays until the homes of both ends have the BYE, or it is too late for it. */
  #end(name: string, call: TimedCall, now: number): void {
    if (now - call.endsAt > maxAttempt) return this.#forget(name);
    // The alarm may go off for something else.
    const next = this.#nextAttempts.get(name) ?? now;
    if (next > now) return this.#room.alarm.noLaterThan(next);
    this.#nextAttempts.set(name, now + pauseBetweenAttempts);
    this.#room.alarm.noLaterThan(now + pauseBetweenAttempts);
    const one = { name, since: call.since, details: call.details };
    Promise.all([this.#hangUp.end(one, why, now), this.#hangUp.endOwn(one, call, why, now)]).then(
      () => this.#forget(name),
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }

  /** A call for which there is no row ends at once. */
  #keep(name: string, call: TimedCall): void {
    const all = this.#read();
    const isKnown = all.has(name);
    const dialogs = isKnown ? 0 : [...all.keys()].filter((other) => callOf(other) === callOf(name)).length;
    if (!isKnown && (all.size >= maxRows || dialogs >= maxDialogs)) return this.#end(name, call, call.since);
    all.set(name, call);
    this.#room.memory.run("INSERT OR REPLACE INTO timed_calls (name, value) VALUES (?, ?)", name, timedShape.write(call));
    this.#room.alarm.noLaterThan(call.endsAt);
  }

  /** The smaller one of the connection's, and of that on which the call was placed. */
  #secondsOf(limits: TokenLimits | undefined, callId: string): number | undefined {
    const call = callName(callId);
    const placed = [...this.#invites().values()].filter(({ name }) => callOf(name) === call).map(({ seconds }) => seconds);
    const known = [limits?.maximumSeconds, ...placed].filter((seconds) => seconds !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  #forgetInvite(name: string): void {
    if (this.#invites().delete(name)) this.#room.memory.run("DELETE FROM timed_invites WHERE name = ?", name);
  }

  #invites(): Map<string, TimedInvite> {
    this.#placed ??= new Map(this.#room.memory.all<TimedInvite>("SELECT * FROM timed_invites").map((row) => [row.name, row]));
    return this.#placed;
  }

  #forget(name: string): void {
    this.#nextAttempts.delete(name);
    if (this.#read().delete(name)) this.#room.memory.run("DELETE FROM timed_calls WHERE name = ?", name);
  }

  #read(): Map<string, TimedCall> {
    this.#known ??= new Map(
      this.#room.memory
        .all<{ name: string; value: string }>("SELECT name, value FROM timed_calls")
        .map(({ name, value }) => [name, timedShape.read(value)]),
    );
    return this.#known;
  }
}
