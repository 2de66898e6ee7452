import { returnInside } from "../../../lib/transport/return-address.ts";
import type { HomeName } from "../../../lib/transport/identifiers.ts";
import type { EventPackage } from "../../../lib/presence/event-package.ts";
import { composeNotify } from "../../../lib/presence/notify.ts";
import type { Permission } from "../../../lib/location/watcher-rules.ts";
import { noRates } from "../../../lib/presence/event-rate-control.ts";
import type { Subscription } from "../../../lib/presence/subscription.ts";
import { transactionName } from "../../../lib/proxy/branch.ts";
import type { Receipt, RequestEnvelope } from "../../../lib/transport/envelope.ts";
import { OneShotTimer } from "../../../platform/one-shot-timer.ts";
import type { Room } from "../room.ts";
import type { EventState, Visible } from "./event-state.ts";
import { NotificationTimes } from "./notification-times.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Milliseconds in which changes are gathered before watchers are notified. */
const gathering = 200;
/** Notifications that are sent together: other work has its turn between two batches. */
const batch = 50;
/** Milliseconds after which a first notification is repeated that its watcher did not recognise. */
const repeatFirstAfter = 500;
/** Milliseconds after which a watcher's home that could not be reached is tried again: at first, and at most. */
const [retryAfter, maxRetryAfter] = [5000, 300_000] as const;
/** Milliseconds after which a change is checked again, in case of an eviction. */
const lookAgainAfter = 2000;

/** What a watcher sees (RFC 5025 §3.2.1). */
export const visible: Readonly<Record<Permission, Visible>> = {
  allow: "state",
  "polite-block": "polite",
  confirm: "nothing",
  block: "nothing",
};

export const lastNotifiedTable = {
  last_notified: "CREATE TABLE IF NOT EXISTS last_notified (event TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** Notifies watchers of changes: gathered, in batches, and none of them waits for another. */
export class Notifier {
  readonly #room: Room;
  readonly #subscriptions: Subscriptions;
  readonly #state: EventState;
  readonly #passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>;
  readonly #notifications = new NotificationTimes();
  /** Subscriptions with a due notification. */
  readonly #due = new Set<string>();
  /** The times of those that are limited to a rate (RFC 6446), or whose watcher could not be reached. */
  readonly #later = new Map<string, number>();
  /** Subscriptions whose watcher has the state: it is only notified of its subscription (RFC 5839 §6.2). */
  readonly #knowing = new Set<string>();
  /** How often in a row the notification of a subscription could not be sent. */
  readonly #failures = new Map<string, number>();
  /** Subscriptions whose last notification is being sent. */
  readonly #ending = new Set<string>();
  /** States that are being sent to watchers, and how many notifications of each are in progress. */
  readonly #telling = new Map<EventPackage, string>();
  readonly #underway = new Map<EventPackage, number>();
  /** States that all watchers have, as stored in the rows. */
  #known: Map<string, string> | undefined;
  readonly #clock = new OneShotTimer(() => this.#flush());

  constructor(
    room: Room,
    subscriptions: Subscriptions,
    state: EventState,
    passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>,
  ) {
    this.#room = room;
    this.#subscriptions = subscriptions;
    this.#state = state;
    this.#passOn = passOn;
  }

  /** Something may have changed: its watchers are notified soon. */
  look(now: number): void {
    for (const event of this.#subscriptions.watched()) {
      const fingerprint = this.#state.fingerprint(event, now);
      if (fingerprint === (this.#telling.get(event) ?? this.#lastKnown(event))) continue;
      this.#telling.set(event, fingerprint);
      // A notification at the wrong time would reveal something too.
      for (const { id, permission } of this.#subscriptions.of(event)) if (visible[permission] === "state") this.#due.add(id);
      this.#soon(now, gathering);
    }
  }

  /** One watcher is sent the full state, whatever it has. */
  tell(id: string, now: number): void {
    this.#notifications.beginAnew(id);
    this.#add(id, now);
  }

  /** A new watcher that already has the state is notified of its subscription. */
  notifyInitial(id: string, now: number): void {
    this.#knowing.add(id);
    this.tell(id, now);
  }

  /** A watcher's phone has confirmed a notification. @param text of its 2xx */
  taken(id: string, text: string): void {
    this.#notifications.taken(id, text);
  }

  /** The last notification of a subscription that has ended, or that asked for one only: its row is deleted after it. */
  end(subscription: Subscription, reason: string, now: number, isKnown = false): void {
    if (this.#ending.has(subscription.id)) return;
    this.#ending.add(subscription.id);
    const isNothing = isKnown || reason === "rejected" || reason === "noresource";
    const what = isNothing ? "nothing" : visible[subscription.permission];
    this.#send(subscription, `terminated;reason=${reason}`, what, now);
    this.#due.delete(subscription.id);
    this.#later.delete(subscription.id);
  }

  /** Whether it was the first notification, which is sent again. */
  repeatsFirst(id: string, now: number): boolean {
    if (this.#notifications.count(id) !== 1 || this.#subscriptions.get(id) === undefined) return false;
    this.#later.set(id, now + repeatFirstAfter);
    this.#room.alarm.noLaterThan(now + repeatFirstAfter);
    return true;
  }

  /** A subscription has ended without a notification. */
  forget(id: string): void {
    this.#forget(id);
  }

  passDeadlines(now: number): void {
    for (const [id, at] of this.#later) {
      if (at > now) this.#room.alarm.noLaterThan(at);
      else {
        this.#later.delete(id);
        this.#add(id, now);
      }
    }
    for (const subscription of this.#subscriptions.all()) {
      const { id, touched } = subscription;
      // The first notification may have been lost in an eviction.
      if (!this.#notifications.has(id) && now - touched < 10 * lookAgainAfter) this.#add(id, now);
      const due = this.#notifications.latest(subscription);
      if (due <= now) this.#add(id, now);
      else this.#room.alarm.noLaterThan(due);
    }
  }

  #add(id: string, now: number): void {
    this.#due.add(id);
    this.#soon(now, 0);
  }

  #soon(now: number, delay: number): void {
    this.#room.alarm.noLaterThan(now + lookAgainAfter);
    this.#clock.within(delay, now);
  }

  #flush(): void {
    const now = Date.now();
    let left = batch;
    for (const id of this.#due) {
      if (left === 0) break;
      left -= 1;
      this.#due.delete(id);
      const subscription = this.#subscriptions.get(id);
      if (subscription !== undefined) this.#notify(subscription, now);
    }
    if (this.#due.size > 0) this.#soon(now, 0);
    else this.#settle();
  }

  #notify(subscription: Subscription, now: number): void {
    const { id, rates = noRates, permission, expires } = subscription;
    const next = this.#notifications.earliest(subscription);
    if (next > now) {
      this.#later.set(id, next);
      this.#room.alarm.noLaterThan(next);
      return;
    }
    const left = Math.max(0, Math.ceil((expires - now) / 1000));
    const state = permission === "confirm" ? "pending" : "active";
    const what = this.#knowing.delete(id) ? "nothing" : visible[permission];
    this.#send(subscription, `${state};expires=${left}${rates.text}`, what, now);
    const due = this.#notifications.latest(subscription);
    if (due < Number.POSITIVE_INFINITY) this.#room.alarm.noLaterThan(due);
  }

  #send(subscription: Subscription, state: string, what: Visible, now: number): void {
    const { id, end, route, event, permission } = subscription;
    const tag = this.#state.tag(event, visible[permission], now);
    const { cseq, version, base } = this.#notifications.next(subscription, what === "state" ? tag : undefined, now);
    const body = what === "nothing" ? undefined : this.#state.body(subscription, { what, version, base }, now);
    const { home, keyring } = this.#room;
    const transaction = transactionName(keyring, home.name, `${id} ${cseq}`, "notify");
    const via = { host: home.domain, branch: `z9hG4bK${transaction}` };
    const envelope: RequestEnvelope = {
      kind: "request",
      text: composeNotify(subscription, { ...via, cseq, contact: this.#state.entity, state, tag, body }),
      answerTo: returnInside(home.name, { kind: "notifier", id }),
      transaction,
      identity: `${home.user}@${home.domain}`,
      to: { kind: "phone", phone: end.phone },
      recordRoute: route,
    };
    this.#underway.set(event, (this.#underway.get(event) ?? 0) + 1);
    this.#passOn(end.home, envelope).then(
      () => this.#arrived(subscription),
      (error: unknown) => this.#failed(subscription, error),
    );
  }

  #arrived({ id, event }: Subscription): void {
    this.#failures.delete(id);
    if (this.#ending.delete(id)) {
      this.#subscriptions.remove(id);
      this.#forget(id);
    }
    this.#underway.set(event, (this.#underway.get(event) ?? 1) - 1);
    this.#settle();
  }

  /** The watcher's home cannot be reached: tried again while the subscription lasts, more and more seldom. */
  #failed({ id, event }: Subscription, error: unknown): void {
    const now = Date.now();
    this.#room.log.note(now, "-", String(error));
    this.#ending.delete(id);
    if (this.#subscriptions.get(id) !== undefined) {
      const failures = this.#failures.get(id) ?? 0;
      const pause = Math.min(retryAfter * 2 ** failures, maxRetryAfter);
      this.#failures.set(id, failures + 1);
      this.#later.set(id, now + pause);
      this.#room.alarm.noLaterThan(now + pause);
    }
    this.#underway.set(event, (this.#underway.get(event) ?? 1) - 1);
    this.#settle();
  }

  /** All watchers are notified and none waits: noted in one row for each package, whatever the number of watchers. */
  #settle(): void {
    if (this.#due.size > 0) return;
    for (const [event, fingerprint] of this.#telling) {
      if ((this.#underway.get(event) ?? 0) > 0 || this.#isLate(event)) continue;
      this.#telling.delete(event);
      if (this.#lastKnown(event) === fingerprint) continue;
      this.#known?.set(event, fingerprint);
      this.#room.memory.run("INSERT OR REPLACE INTO last_notified (event, fingerprint) VALUES (?, ?)", event, fingerprint);
    }
  }

  /** Whether a watcher is notified later: after an eviction the state must not count as known to it. */
  #isLate(event: EventPackage): boolean {
    return [...this.#later.keys()].some((id) => this.#subscriptions.get(id)?.event === event);
  }

  #lastKnown(event: EventPackage): string | undefined {
    if (this.#known === undefined) {
      const rows = this.#room.memory.all<{ event: string; fingerprint: string }>("SELECT event, fingerprint FROM last_notified");
      this.#known = new Map(rows.map((row) => [row.event, row.fingerprint]));
    }
    return this.#known.get(event);
  }

  #forget(id: string): void {
    this.#due.delete(id);
    this.#later.delete(id);
    this.#failures.delete(id);
    this.#notifications.forget(id);
    this.#knowing.delete(id);
  }
}
