import type { PhoneId } from "../../lib/transport/identifiers.ts";
import { type Binding, bindingKey, phoneOf } from "../../lib/location/binding.ts";
import type { BindingView, StaticContact } from "../../lib/location/binding-view.ts";
import type { RegistrarSettings } from "../../lib/registrar/settings.ts";
import type { AwayTimes } from "../../lib/proxy/response-context/fork.ts";
import { registerLines } from "../../lib/registrar/answer.ts";
import { mayRegister } from "../../lib/registrar/may-register.ts";
import { type Taken, carry, isMereRefresh, isSaidAgain, refresh, takenBy, withCarried } from "../../lib/registrar/refresh.ts";
import { type RegisterOutcome, register } from "../../lib/registrar/register.ts";
import { readContacts } from "../../lib/syntax/contact.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import { type Request, headerValue } from "../../lib/syntax/message.ts";
import { parameter } from "../../lib/syntax/parameters.ts";
import { equalUris, parseUri } from "../../lib/syntax/uri.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import type { OfferedServices } from "./offered-push.ts";
import { BindingRows } from "./binding-rows.ts";
import type { FlowClosed, Part } from "./part.ts";
import { SleepingPhones, wakePatience } from "./sleeping-phones.ts";
import type { Room } from "./room.ts";

/** A binding, and whether its phone can be reached now, is only waited for, or sleeps until a push notification wakes it. */
export interface KnownBinding {
  readonly binding: Binding;
  readonly flow: Flow | undefined;
  readonly isAsleep: boolean;
}

/** RFC 6455 §7.4.1: the page was closed or reloads, or the phone went off line on purpose; 1005: its Close frame had no code. */
export function isOnPurpose(code: number | undefined): boolean {
  return code === 1000 || code === 1001 || code === 1005;
}

/** The result of a REGISTER: the header lines of its 200, and the phones that were not on this flow before. */
export interface Registered {
  readonly lines: string;
  readonly newlyRegistered: readonly Binding[];
  /** Their other connections, as they were: these phones no longer listen there, although the loss may not have been noticed. */
  readonly left: readonly Flow[];
}

/** The bindings of one address of record: their rows, and the newer values of their flows (RFC 3261 §10.3). */
export class Registrar implements Part {
  readonly #room: Room;
  readonly #rows: BindingRows;
  readonly sleeping: SleepingPhones;
  /** The last registration of each flow, if its phone may repeat it. */
  readonly #taken = new Map<string, Taken>();

  constructor(room: Room) {
    this.#room = room;
    this.#rows = new BindingRows(room);
    this.sleeping = new SleepingPhones(room, this.#rows);
  }

  /** Decides and carries out a REGISTER on an authenticated flow. */
  register(flow: Flow, request: Request, mandatory: MandatoryHeaders, pushServices: OfferedServices, now: number): Registered | Fault {
    const { configuration, keyring, home } = this.#room;
    const outcome = this.#decide(flow, request, mandatory, pushServices, now);
    if (isFault(outcome)) return outcome;
    const again = outcome.put.filter(({ key, callId }) => this.#rows.load().get(key)?.callId === callId);
    if (!isMereRefresh(outcome, this.#rows.load())) this.#write(flow, outcome, headerValue(request, "user-agent"), now);
    const left = this.#carry(flow, outcome, again);
    const { user, domain } = home;
    const { flowTimer } = configuration.registrar;
    const { bindings, featureCaps } = outcome;
    const lines = registerLines({ request, bindings, user, domain, now, keyring, host: flow.host, flowTimer, featureCaps });
    return { lines, newlyRegistered: outcome.put.filter(({ key }) => !carries(flow, key)), left };
  }

  /** A repeated REGISTER is not parsed again. */
  #decide(flow: Flow, request: Request, mandatory: MandatoryHeaders, pushServices: OfferedServices, now: number): RegisterOutcome | Fault {
    const { configuration, keyring, home } = this.#room;
    const settings = withinToken(configuration.registrar, flow, now);
    const taken = settings === configuration.registrar ? this.#taken.get(flow.id) : undefined;
    const current = this.current(now);
    const bindings = current.map(({ binding }) => binding);
    if (taken !== undefined && carries(flow, taken.key) && isSaidAgain(request, taken)) {
      const outcome = refresh(taken, { mandatory, bindings, now, random: Math.random(), settings });
      if (outcome !== undefined) return outcome;
    }
    const refusal = mayRegister(request, mandatory, { user: home.user, domain: home.domain, host: flow.host });
    if (refusal !== undefined) return refusal;
    const suspended = new Set(
      current.filter(({ flow, binding }) => flow === undefined && binding.isStatic !== true).map((known) => known.binding.key),
    );
    const random = Math.random();
    const outcome = register({ request, mandatory, bindings, away: suspended, now, random, settings, keyring, pushServices });
    if (isFault(outcome)) return outcome;
    if (!fits(flow, outcome)) return limitReached(403, "too many long contacts on this connection");
    const refreshable = settings === configuration.registrar ? takenBy(request, outcome, settings) : undefined;
    if (refreshable === undefined) this.#taken.delete(flow.id);
    else this.#taken.set(flow.id, refreshable);
    return outcome;
  }

  /**
   * The valid bindings, with their exact expiry. One whose flow is lost is waited for until the grace time is over, then it ends; that time
   * counts from when the loss was first seen, which its row remembers.
   */
  current(now: number): KnownBinding[] {
    const known: KnownBinding[] = [];
    for (const row of this.#rows.load().values()) {
      if (row.isStatic === true) {
        if (row.expires > now) known.push({ binding: row, flow: undefined, isAsleep: false });
        else this.#rows.remove(row.key, "expired", now);
        continue;
      }
      const flow = this.#room.sockets.carrierOf(row.key);
      const binding = withCarried(
        row,
        flow?.boundContacts.find((bound) => bound.key === row.key),
      );
      if (flow !== undefined) {
        if (binding.expires > now) known.push({ binding, flow, isAsleep: false });
      } else if (now < this.#awayUntil(row, now) && row.lease > now) known.push({ binding, flow: undefined, isAsleep: false });
      else if (this.sleeping.sleeps(row, now)) known.push({ binding, flow: undefined, isAsleep: true });
      else this.#rows.remove(row.key, row.lease > now ? "closed" : "expired", now);
    }
    return known;
  }

  /** The phone that sends a request with this Contact: a registered one by its GRUU or its address, or the one that will register it. */
  phoneOf(request: Request, now: number): string | undefined {
    const contacts = readContacts(request);
    const [contact] = isFault(contacts) || contacts === "*" ? [] : contacts;
    const uri = contact === undefined ? undefined : parseUri(contact.uri);
    if (uri === undefined || isFault(uri) || uri.kind !== "sip") return undefined;
    const instance = parameter(uri.parameters, "gr");
    const registered = this.current(now).find(({ binding }) => {
      if (instance !== undefined) return binding.instance === instance;
      const bound = parseUri(binding.contact);
      return !isFault(bound) && equalUris(bound, uri);
    });
    return registered?.binding.phone ?? phoneOf(this.#room.keyring, instance, contact?.uri ?? "");
  }

  /** Until when a phone that is away is waited for, in milliseconds; one without a binding for the grace from now. */
  waitsFor(phone: PhoneId, now: number): number {
    const rows = [...this.#rows.load().values()].filter(
      (row) => row.phone === phone && row.isStatic !== true && this.#room.sockets.carrierOf(row.key) === undefined,
    );
    if (rows.length === 0) return now + this.#room.timers.grace;
    return Math.max(...rows.map((row) => this.#awayUntil(row, now)));
  }

  /** Until when an INVITE waits for a phone that is away: a push notification may wake it. */
  waitsForCall(phone: PhoneId, now: number): AwayTimes {
    const until = this.waitsFor(phone, now);
    if (this.sleeping.bindingOf(phone) === undefined) return { until };
    return { until: Math.max(until, now + this.#room.configuration.pushWait * 1000), wakesAt: now + wakePatience };
  }

  /** Memory does not last as long as the grace time: the row has its end, written once, when the loss is first seen. */
  #awayUntil(row: Binding, now: number, grace = this.#room.timers.grace): number {
    if (row.awayUntil !== undefined) return row.awayUntil;
    const awayUntil = now + grace;
    this.#rows.put({ ...row, awayUntil });
    this.#room.alarm.noLaterThan(awayUntil);
    return awayUntil;
  }

  /**
   * A flow has closed: its bindings are waited for, but only briefly if it was closed on purpose.
   * @param code of its Close frame; undefined if it was not closed
   */
  onFlowClosed({ flow, isOnPurpose }: FlowClosed, now: number): void {
    this.#taken.delete(flow.id);
    const { grace } = this.#room.timers;
    const patience = isOnPurpose ? Math.min(grace, this.#room.configuration.closedGrace * 1000) : grace;
    for (const { key } of flow.boundContacts) {
      const row = this.#rows.load().get(key);
      if (row !== undefined && this.#room.sockets.carrierOf(key) === undefined) this.#awayUntil(row, now, patience);
    }
  }

  /**
   * Ends bindings whose grace time is over, and those that were not refreshed. No alarm is set for the others: the end of their lease is
   * checked at the next event, at the latest when their socket closes.
   */
  onAlarm(now: number): void {
    const known = this.current(now);
    const valid = new Set(known.map(({ binding }) => binding.key));
    for (const key of this.#rows.load().keys()) if (!valid.has(key)) this.#rows.remove(key, "expired", now);
    for (const row of this.#rows.load().values()) {
      if (row.isStatic === true) this.#room.alarm.noLaterThan(row.expires);
      else if (row.awayUntil !== undefined) this.#room.alarm.noLaterThan(row.awayUntil > now ? row.awayUntil : row.expires);
    }
  }

  onSubscriberDeleted(now: number): void {
    for (const binding of this.#rows.load().values()) this.#rows.announceEnd(binding, "removed", now);
  }

  /** The bindings as the API returns them. */
  show(now: number): BindingView[] {
    return this.current(now).map(({ binding, flow }) => this.#shown(binding, flow !== undefined || binding.isStatic === true, now));
  }

  /** RFC 3261 §10.2: a registration by a third party, here an administrator, for an address; undefined if there are too many. */
  bind({ contact, expires, q }: StaticContact, now: number): BindingView | undefined {
    const others = this.current(now).filter(({ binding }) => binding.key !== bindingKey(undefined, undefined, contact));
    if (others.length >= this.#room.configuration.registrar.maximumContacts) return undefined;
    const until = now + expires * 1000;
    const binding: Binding = {
      ...{ key: bindingKey(undefined, undefined, contact), phone: "", contact, parameters: q === 1 ? "" : `;q=${q}` },
      ...{ instance: undefined, regId: undefined, q: Math.round(q * 1000), path: [], callId: "", cseq: 0 },
      ...{ expires: until, lease: until, isStatic: true },
    };
    if (!this.#rows.load().has(binding.key)) this.#rows.announceNew(binding, undefined, now);
    this.#rows.put(binding);
    this.#room.alarm.noLaterThan(until);
    return this.#shown(binding, true, now);
  }

  end(id: string, now: number): boolean {
    const found = this.current(now).find(({ binding }) => this.#idOf(binding) === id);
    if (found === undefined) return false;
    const { binding, flow } = found;
    this.#rows.remove(binding.key, "removed", now);
    if (flow !== undefined)
      this.#room.sockets.update(
        flow.id,
        without(
          flow,
          flow.boundContacts.filter(({ key }) => key !== binding.key),
        ),
      );
    return true;
  }

  #shown(binding: Binding, reachable: boolean, now: number): BindingView {
    const { contact, instance, regId, q, path, expires, push } = binding;
    const left = Math.max(0, Math.ceil((expires - now) / 1000));
    return { id: this.#idOf(binding), contact, instance, regId, q: q / 1000, expires: left, reachable, path, push: push?.provider };
  }

  #idOf({ key }: Binding): string {
    return this.#room.keyring.hash("sha256", key).slice(0, 16);
  }

  #write(flow: Flow, outcome: RegisterOutcome, userAgent: string | undefined, now: number): void {
    for (const binding of outcome.removed) this.#rows.remove(binding.key, "removed", now, userAgent);
    for (const binding of outcome.put) {
      if (!this.#rows.load().has(binding.key)) this.#rows.announceNew(binding, userAgent, now);
      this.#room.alarm.noLaterThan(binding.lease, (binding.lease - binding.expires) / 5);
      const isByToken = flow.authenticated?.byToken !== undefined && binding.push !== undefined;
      this.#rows.put({ ...binding, awayUntil: undefined, ...(isByToken ? { isByToken } : {}) });
    }
  }

  /**
   * The flow that registered a binding carries it from now on, and no other does.
   * @param again those of the same registration as before (its Call-ID): with another Call-ID it may be a second page, beside the first one
   * @returns the flows that their phones have left
   */
  #carry(flow: Flow, outcome: RegisterOutcome, again: readonly Binding[]): readonly Flow[] {
    const [put, ...more] = outcome.put;
    if (put !== undefined && more.length === 0 && outcome.removed.length === 0 && carries(flow, put.key)) return this.#carryOn(flow, put);
    const changed = new Set([...outcome.put, ...outcome.removed].map((binding) => binding.key));
    if (changed.size === 0) return [];
    const left: Flow[] = [];
    for (const other of [...changed].every((key) => carries(flow, key)) ? [] : this.#room.sockets.all()) {
      if (other.id === flow.id) continue;
      const boundContacts = other.boundContacts.filter(({ key }) => !changed.has(key));
      const hasLeft = again.some(({ key, phone }) =>
        other.boundContacts.length === 0 ? other.unregisteredPhone === phone : boundContacts.length === 0 && carries(other, key),
      );
      if (hasLeft) left.push(other);
      if (hasLeft) this.#room.sockets.update(other.id, { boundContacts, unregisteredPhone: undefined, ...nothing });
      else if (boundContacts.length < other.boundContacts.length) this.#room.sockets.update(other.id, without(other, boundContacts));
    }
    const bound = outcome.put.map(carry);
    this.#room.sockets.update(flow.id, without(flow, [...flow.boundContacts.filter((one) => !changed.has(one.key)), ...bound]));
    return left;
  }

  /** A refresh of a binding that only this flow carries. */
  #carryOn(flow: Flow, put: Binding): readonly Flow[] {
    const bound = carry(put);
    this.#room.sockets.update(flow.id, { boundContacts: flow.boundContacts.map((one) => (one.key === put.key ? bound : one)) });
    return [];
  }
}

/** A phone that is no longer registered on a flow may still have dialogs there. */
function without(flow: Flow, boundContacts: Flow["boundContacts"]): Pick<Flow, "boundContacts" | "unregisteredPhone"> {
  const unregisteredPhone = boundContacts.length === 0 ? flow.boundContacts[0]?.phone : undefined;
  return { boundContacts, ...(unregisteredPhone === undefined ? {} : { unregisteredPhone }) };
}

/** A flow that its phones have left has nothing in progress. */
const nothing = { pendingInvites: [], proceeding: [], activeCalls: [], sent: [] } as const;

function carries({ boundContacts }: Flow, key: string): boolean {
  return boundContacts.some((one) => one.key === key);
}

/** Characters of the bindings that a flow carries. If they exceed its share of the attachment they are a row, written at each REGISTER. */
const maxCarried = 65_536;

function fits({ boundContacts }: Flow, { put }: RegisterOutcome): boolean {
  const changed = new Set(put.map(({ key }) => key));
  const all = [...boundContacts.filter(({ key }) => !changed.has(key)), ...put];
  return all.reduce((sum, { key, contact, callId }) => sum + key.length + contact.length + callId.length + 100, 0) <= maxCarried;
}

/** No binding outlives the token by which its flow was authenticated. */
function withinToken(settings: RegistrarSettings, { authenticated }: Flow, now: number): RegistrarSettings {
  const until = authenticated?.byToken?.until;
  const left = until === undefined ? settings.maximumExpires : Math.max(1, Math.floor((until - now) / 1000));
  if (left >= settings.maximumExpires) return settings;
  const { minimumExpires, defaultExpires } = settings;
  return {
    ...settings,
    maximumExpires: left,
    defaultExpires: Math.min(defaultExpires, left),
    minimumExpires: Math.min(minimumExpires, left),
  };
}
