import { returnInside } from "../../../lib/transport/return-address.ts";
import type { HomeName } from "../../../lib/transport/identifiers.ts";
import type { BackEnd } from "../../../lib/presence/back-end.ts";
import {
  type KnownState,
  type ListNotification,
  type ListSubscription,
  type WatchedEntry,
  dueNotification,
  fullNotification,
} from "../../../lib/presence/list-subscription.ts";
import { eventList } from "../../../lib/presence/list-subscribe-parameters.ts";
import { composeNotify } from "../../../lib/presence/notify.ts";
import { noRates } from "../../../lib/presence/event-rate-control.ts";
import { listBody } from "../../../lib/presence/rlmi.ts";
import { listServer } from "../../../lib/presence/back-end.ts";
import { transactionName } from "../../../lib/proxy/branch.ts";
import type { Receipt, RequestEnvelope } from "../../../lib/transport/envelope.ts";
import type { NotificationState } from "../../../lib/transport/flow.ts";
import { OneShotTimer } from "../../../platform/one-shot-timer.ts";
import type { Room } from "../room.ts";
import type { BackEnds } from "./back-ends.ts";
import type { ListSubscriptions } from "./list-subscriptions.ts";

/** Milliseconds in which changes are gathered; also the minimum between two notifications of one list. */
const gathering = 200;
/** Milliseconds: for longer waits the alarm is set, so that the home may sleep. */
const maxClock = 2000;

const nothingKnown: KnownState = { instance: undefined, stamp: 0 };

/** Notifies the user's phones of changes in the lists that they watch: the full state first, then the changes. */
export class ListNotifier {
  readonly #room: Room;
  readonly #subscriptions: ListSubscriptions;
  readonly #backEnds: BackEnds;
  readonly #passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>;
  /** For each subscription, the newest stamp at which no notification was due. */
  readonly #seen = new Map<string, number>();
  /** The last notification of each since the object woke up: its numbers, and when it was sent (milliseconds). */
  readonly #last = new Map<string, { readonly cseq: number; readonly version: number; readonly at: number }>();
  readonly #clock = new OneShotTimer(() => this.#flush());

  constructor(
    room: Room,
    subscriptions: ListSubscriptions,
    backEnds: BackEnds,
    passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>,
  ) {
    this.#room = room;
    this.#subscriptions = subscriptions;
    this.#backEnds = backEnds;
    this.#passOn = passOn;
  }

  /**
   * Something may have changed, or a phone may be back: due notifications are sent soon. What is lost in an eviction is found at the next
   * event, at the latest at the phone's next REGISTER, without the cost of an alarm.
   */
  look(now: number): void {
    for (const subscription of this.#subscriptions.current()) {
      const due = this.#dueAt(subscription, now);
      if (due !== undefined) this.#soon(now, Math.max(due - now, gathering));
    }
  }

  /** A new subscription has had no notification: its first version is 0. */
  begin(id: string): void {
    this.#last.set(id, { cseq: 0, version: -1, at: 0 });
  }

  /** The last notification (RFC 6665 §4.1.3), with all that is known. */
  end(subscription: ListSubscription, reason: string, now: number): void {
    // A deleted list has no resources.
    const shown = reason === "noresource" ? { ...subscription, entries: [], removed: [] } : subscription;
    this.#send(
      subscription,
      fullNotification(shown, (entry) => this.#stateOf(subscription, entry), now, this.#nextVersion(subscription)),
      `terminated;reason=${reason}`,
      now,
    ).then(
      () => this.#subscriptions.remove(subscription.id),
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
    this.forget(subscription.id);
  }

  forget(id: string): void {
    this.#seen.delete(id);
    this.#last.delete(id);
  }

  /** When a notification of a subscription is due; undefined if there is none, or no phone for it. */
  #dueAt(subscription: ListSubscription, now: number): number | undefined {
    const { id, isFetch = false, rates = noRates, end, cseq } = subscription;
    if (isFetch || this.#room.sockets.newestTo(end.phone) === undefined) return undefined;
    const told = this.#told(subscription);
    const newest = this.#newestStamp(subscription);
    const isToldAll = told !== undefined && told.cseq === cseq && (told.stamp >= newest || this.#seen.get(id) === newest);
    if (isToldAll || this.#notificationOf(subscription, now) === undefined) {
      this.#seen.set(id, newest);
      return undefined;
    }
    const last = Math.max(told?.at ?? 0, this.#last.get(id)?.at ?? 0);
    return Math.max(now, last + Math.max(rates.pause, gathering));
  }

  #newestStamp({ stamp }: ListSubscription): number {
    return Math.max(this.#backEnds.stamp, stamp);
  }

  #soon(now: number, delay: number): void {
    if (delay > maxClock) return this.#room.alarm.noLaterThan(now + delay);
    this.#clock.within(delay, now);
  }

  #flush(): void {
    const now = Date.now();
    for (const subscription of this.#subscriptions.current()) {
      const due = this.#dueAt(subscription, now);
      if (due === undefined) continue;
      if (due <= now) this.#tell(subscription, now);
      const next = this.#dueAt(subscription, now);
      if (next !== undefined) this.#soon(now, Math.max(next - now, 1));
    }
  }

  #tell(subscription: ListSubscription, now: number): void {
    const { id, expires } = subscription;
    const notification = this.#notificationOf(subscription, now);
    if (notification === undefined) return;
    const left = Math.max(0, Math.ceil((expires - now) / 1000));
    const flow = this.#room.sockets.newestTo(subscription.end.phone);
    this.#send(subscription, notification, `active;expires=${left}`, now).catch((error: unknown) =>
      this.#room.log.note(Date.now(), "-", String(error)),
    );
    for (const { id: other, listStates: lists } of this.#room.sockets.all()) {
      // A notification on an older socket of the phone is no longer the last one.
      if (other === flow?.id) this.#room.sockets.update(other, { listStates: this.#without(id, lists, { [id]: notification.told }) });
      else if (lists?.[id] !== undefined) this.#room.sockets.update(other, { listStates: this.#without(id, lists) });
    }
  }

  #notificationOf(subscription: ListSubscription, now: number): ListNotification | undefined {
    const stateOf = (entry: WatchedEntry) => this.#stateOf(subscription, entry);
    return dueNotification(subscription, this.#told(subscription), stateOf, now, this.#nextVersion(subscription));
  }

  /** The notification states of other lists, without those that are no longer watched. */
  #without(id: string, lists: Readonly<Record<string, NotificationState>> = {}, more: Readonly<Record<string, NotificationState>> = {}) {
    const others = Object.entries(lists).filter(([other]) => other !== id && this.#subscriptions.get(other) !== undefined);
    return { ...Object.fromEntries(others), ...more };
  }

  #nextVersion(subscription: ListSubscription): number | undefined {
    const last = this.#last.get(subscription.id)?.version ?? this.#told(subscription)?.version;
    return last === undefined ? undefined : last + 1;
  }

  #told({ id, end }: ListSubscription): NotificationState | undefined {
    return this.#room.sockets.newestTo(end.phone)?.listStates?.[id];
  }

  #stateOf({ event }: ListSubscription, { resource }: WatchedEntry): KnownState {
    const backEnd = this.#backEnds.get(event, resource);
    return backEnd === undefined ? nothingKnown : { instance: instanceOf(backEnd), stamp: backEnd.stamp };
  }

  #send(subscription: ListSubscription, { version, isFull, resources }: ListNotification, state: string, now: number): Promise<Receipt> {
    const { id, listUri, list, route, end, created } = subscription;
    const { home, keyring } = this.#room;
    const cseq = Math.max((this.#last.get(id)?.cseq ?? 0) + 1, Math.floor((now - created) / 10) + 1);
    this.#last.set(id, { cseq, version, at: now });
    const body = listBody({ uri: listUri, name: list?.name, version, isFull, resources, id, host: home.domain });
    const transaction = transactionName(keyring, home.name, `${id} ${cseq}`, "list");
    const lines = {
      host: home.domain,
      branch: `z9hG4bK${transaction}`,
      cseq,
      contact: listUri,
      state,
      tag: undefined,
      body,
      requires: eventList,
    };
    return this.#passOn(home.name, {
      kind: "request",
      text: composeNotify(subscription, lines),
      answerTo: returnInside(home.name, { kind: "list notifier", id }, listServer),
      transaction,
      identity: `${home.user}@${home.domain}`,
      to: { kind: "phone", phone: end.phone },
      recordRoute: route,
    });
  }
}

/** RFC 4662 §5.5: an active resource has a state; before that nothing is known of it. */
function instanceOf({ instance: id, state, reason, body }: BackEnd): KnownState["instance"] {
  if (state === undefined || (state === "active" && body === undefined)) return undefined;
  return { id, state, reason, body };
}
