import { adaptiveTimeout, noRates, withinPeriod } from "../../../lib/presence/event-rate-control.ts";
import type { Subscription } from "../../../lib/presence/subscription.ts";

/** The notifications of a subscription. Times in milliseconds. */
interface Told {
  readonly cseq: number;
  readonly version: number;
  readonly at: number;
  /** Notifications since the object woke up. */
  readonly count: number;
  /** When the notifications were sent that count for an average rate (RFC 6446 §7.4). */
  readonly sent: readonly number[];
  /** The entity-tag of the state in the last one, if the watcher accepts changes; and the last one that it has confirmed. */
  readonly shown: string | undefined;
  readonly confirmed: number;
}

/** The numbers of a notification. */
interface Numbers {
  readonly cseq: number;
  readonly version: number;
  /** The entity-tag of the state that the watcher certainly has, if it accepts changes. */
  readonly base: string | undefined;
}

/** The notifications to each watcher; after an eviction their numbers start again, above the old ones. */
export class NotificationTimes {
  readonly #told = new Map<string, Told>();

  has(id: string): boolean {
    return this.#told.has(id);
  }

  /** The number of notifications of a subscription. */
  count(id: string): number {
    return this.#told.get(id)?.count ?? 0;
  }

  /** When a watcher may be notified again (RFC 6446 §5.2). */
  earliest({ id, rates = noRates }: Subscription): number {
    return (this.#told.get(id)?.at ?? 0) + rates.pause;
  }

  /** When a watcher must be notified, even without a change (RFC 6446 §6.2, §7.2); Infinity if never. */
  latest({ id, created, touched, rates = noRates }: Subscription): number {
    const { maxPause, averagePause } = rates;
    const told = this.#told.get(id);
    const last = told?.at ?? touched;
    const longest = maxPause === 0 ? Number.POSITIVE_INFINITY : last + maxPause;
    return averagePause === 0 ? longest : Math.min(longest, last + adaptiveTimeout(averagePause, created, told?.sent ?? []));
  }

  /** The numbers of the next one, which counts as the last one from now on. @param shown the entity-tag of its state */
  next({ id, created, isPartial, rates = noRates }: Subscription, shown: string | undefined, now: number): Numbers {
    const before = this.#told.get(id);
    const cseq = Math.max((before?.cseq ?? 0) + 1, Math.floor((now - created) / 10) + 1);
    // The first document of a subscription has version 0; after an eviction the number of documents is unknown.
    const version = before === undefined ? Math.floor((now - created) / 1000) : before.version + 1;
    const sent = rates.averagePause === 0 ? [] : withinPeriod(rates.averagePause, [...(before?.sent ?? []), now]);
    const { confirmed = 0, count = 0 } = before ?? {};
    this.#told.set(id, { cseq, version, at: now, count: count + 1, sent, shown: isPartial === true ? shown : undefined, confirmed });
    // Changes since a state that the watcher may not have would be useless (RFC 5263 §4.4).
    return { cseq, version, base: before?.confirmed === before?.cseq ? before?.shown : undefined };
  }

  /** A watcher's phone has confirmed one. @param text of its 2xx */
  taken(id: string, text: string): void {
    const told = this.#told.get(id);
    if (told?.shown === undefined) return;
    const cseq = Number(/\r\ncseq[ \t]*:[ \t]*(\d+)/i.exec(text)?.[1]);
    if (cseq > told.confirmed) this.#told.set(id, { ...told, confirmed: cseq });
  }

  /** The next one must have the full state. */
  beginAnew(id: string): void {
    const told = this.#told.get(id);
    if (told !== undefined) this.#told.set(id, { ...told, shown: undefined });
  }

  forget(id: string): void {
    this.#told.delete(id);
  }
}
