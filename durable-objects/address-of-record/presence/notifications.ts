import { adaptiveTimeout, noRates, withinPeriod } from "../../../lib/presence/rates.ts";
import type { Subscription } from "../../../lib/presence/subscription.ts";

/** What is known of a subscription's notifications. Times in milliseconds. */
interface Told {
  readonly cseq: number;
  readonly version: number;
  readonly at: number;
  /** Notifications since the object woke up. */
  readonly count: number;
  /** When those went out that an average rate is made of (RFC 6446 §7.4). */
  readonly sent: readonly number[];
  /** The entity-tag of the state in the last one, if the watcher may be told what has changed since; and the last one he has taken. */
  readonly shown: string | undefined;
  readonly confirmed: number;
}

/** What a notification has of its own. */
interface Numbers {
  readonly cseq: number;
  readonly version: number;
  /** The entity-tag of the state that the watcher has for certain, if he takes changes. */
  readonly base: string | undefined;
}

/** What each watcher has been told; after a loss of memory it begins anew, behind the old numbers. */
export class Notifications {
  readonly #told = new Map<string, Told>();

  has(id: string): boolean {
    return this.#told.has(id);
  }

  /** How many of a subscription there were. */
  count(id: string): number {
    return this.#told.get(id)?.count ?? 0;
  }

  /** When a watcher may be told again (RFC 6446 §5.2). */
  earliest({ id, rates = noRates }: Subscription): number {
    return (this.#told.get(id)?.at ?? 0) + rates.pause;
  }

  /** When a watcher wants to be told, though nothing may have changed (RFC 6446 §6.2, §7.2); Infinity if he does not. */
  latest({ id, created, touched, rates = noRates }: Subscription): number {
    const { maxPause, averagePause } = rates;
    const told = this.#told.get(id);
    const last = told?.at ?? touched;
    const longest = maxPause === 0 ? Number.POSITIVE_INFINITY : last + maxPause;
    return averagePause === 0 ? longest : Math.min(longest, last + adaptiveTimeout(averagePause, created, told?.sent ?? []));
  }

  /** The numbers of the next one; from here on it is the last one. @param shown the entity-tag of the state that it has in it */
  next({ id, created, isPartial, rates = noRates }: Subscription, shown: string | undefined, now: number): Numbers {
    const before = this.#told.get(id);
    const cseq = Math.max((before?.cseq ?? 0) + 1, Math.floor((now - created) / 10) + 1);
    // The first document of a subscription has version 0; after a loss of memory nobody knows how many there were.
    const version = before === undefined ? Math.floor((now - created) / 1000) : before.version + 1;
    const sent = rates.averagePause === 0 ? [] : withinPeriod(rates.averagePause, [...(before?.sent ?? []), now]);
    const { confirmed = 0, count = 0 } = before ?? {};
    this.#told.set(id, { cseq, version, at: now, count: count + 1, sent, shown: isPartial === true ? shown : undefined, confirmed });
    // What has changed since a state that he may not have got would be of no use to him (RFC 5263 §4.4).
    return { cseq, version, base: before?.confirmed === before?.cseq ? before?.shown : undefined };
  }

  /** A watcher's phone has taken one. @param text of its 2xx */
  taken(id: string, text: string): void {
    const told = this.#told.get(id);
    if (told?.shown === undefined) return;
    const cseq = Number(/\r\ncseq[ \t]*:[ \t]*(\d+)/i.exec(text)?.[1]);
    if (cseq > told.confirmed) this.#told.set(id, { ...told, confirmed: cseq });
  }

  /** The next one has to have the whole state in it. */
  beginAnew(id: string): void {
    const told = this.#told.get(id);
    if (told !== undefined) this.#told.set(id, { ...told, shown: undefined });
  }

  forget(id: string): void {
    this.#told.delete(id);
  }
}
