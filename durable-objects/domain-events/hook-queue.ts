import { chooseDelivery, isBehind, isMissed, nextAttempt } from "../../lib/web-hooks/schedule.ts";
import type { SharedAlarm } from "../../platform/alarm.ts";
import type { SendResult } from "../../platform/web-hook-sender.ts";
import { type Deliveries, type Delivery, type WaitingDelivery, failedKept, isWaiting } from "./deliveries.ts";

/** Deliveries of one hook at a time: usually, and while it has some catching up to do, so that they arrive in order. */
const maxUnderWay = { usually: 2, catchingUp: 1 };
/** Milliseconds after which an attempt that the object has forgotten is made again. */
const forgottenAfter = 15_000;

/** The result of an attempt; or the receiver wants nothing more, or the hook was deleted. */
export type Attempt = SendResult | "ended" | "deleted";

/** What the deliveries of one hook need of the object. */
export interface HookSurroundings {
  readonly hook: string;
  readonly deliveries: Deliveries;
  readonly alarm: SharedAlarm;
  /** Sends a delivery once. It does not reject. */
  attempt(delivery: Delivery): Promise<Attempt>;
}

/**
 * The deliveries of one hook: a few at a time, in order of time as far as that goes. Which one comes next follows from the rows alone,
 * because the object sleeps, and forgets, in the pauses.
 */
export class HookQueue {
  readonly #around: HookSurroundings;
  /** The ids of what is being sent. */
  readonly #underWay = new Set<string>();
  /** The ids of what is tried before the end of its pause, because the receiver has taken another one. */
  readonly #early = new Set<string>();

  constructor(around: HookSurroundings) {
    this.#around = around;
  }

  /** Sends what is due, and sets the alarm for the rest. */
  deliverDue(now: number): void {
    const { alarm } = this.#around;
    for (;;) {
      const waiting = this.#waiting();
      if (this.#underWay.size >= (isBehind(waiting) ? maxUnderWay.catchingUp : maxUnderWay.usually)) break;
      const chosen = chooseDelivery(waiting, now, ({ id }) => this.#underWay.has(id));
      if (chosen === undefined) break;
      if (chosen.next > now) {
        alarm.noLaterThan(chosen.next);
        break;
      }
      this.#underWay.add(chosen.id);
      void this.#send(chosen);
    }
    if (this.#underWay.size > 0) alarm.noLaterThan(now + forgottenAfter);
  }

  /** All that wait are due: the hook was changed, perhaps to mend it. */
  retryAll(now: number): void {
    for (const { next: _next, isRefused: _refused, ...delivery } of this.#waiting())
      if (delivery.attempts > 0 && !this.#underWay.has(delivery.id)) this.#around.deliveries.change(delivery, { ...delivery, next: now });
    this.deliverDue(now);
  }

  /** The hook is deleted, or made anew. */
  clear(): void {
    this.#early.clear();
    this.#around.deliveries.clear(this.#around.hook);
  }

  /** Sends a delivery again, with all attempts. */
  replay(delivery: Delivery, now: number): Delivery {
    const again = this.#around.deliveries.change(delivery, { since: now, attempts: 0, next: now, last: delivery.last });
    this.deliverDue(now);
    return again;
  }

  #waiting(): WaitingDelivery[] {
    const { hook, deliveries } = this.#around;
    return deliveries.of(hook).filter(isWaiting);
  }

  async #send(delivery: Delivery): Promise<void> {
    const result = await this.#around.attempt(delivery);
    this.#underWay.delete(delivery.id);
    this.#attempted(delivery, result, Date.now());
    this.deliverDue(Date.now());
  }

  #attempted({ hook, id }: Delivery, result: Attempt, now: number): void {
    const { deliveries } = this.#around;
    const delivery = deliveries.find(hook, id);
    if (result === "deleted") this.clear();
    else if (result === "ended") this.#endAll(now);
    else if (delivery !== undefined && result.status !== null && result.status >= 200 && result.status < 300)
      this.#succeeded(delivery, now);
    else if (delivery !== undefined) this.#failed(delivery, result, now);
  }

  /** What has failed may have failed because the receiver was away: it is tried once more. */
  #succeeded(delivery: Delivery, now: number): void {
    const { deliveries } = this.#around;
    this.#early.delete(delivery.id);
    deliveries.remove(delivery);
    const missed = this.#waiting().filter((one) => isMissed(one, now));
    if (missed.length === 0) return;
    deliveries.bringForward(delivery.hook, missed, now);
    for (const { id } of missed) this.#early.add(id);
  }

  #failed(delivery: Delivery, result: SendResult, now: number): void {
    const attempts = delivery.attempts + 1;
    const next = nextAttempt(attempts, delivery.since, now);
    const { since } = delivery;
    const isRefused = this.#early.delete(delivery.id) || delivery.isRefused === true;
    this.#around.deliveries.change(delivery, {
      ...{ since, attempts, last: { at: now, ...result } },
      ...(isRefused ? { isRefused } : {}),
      ...(next === undefined ? { failed: now } : { next }),
    });
    if (next === undefined) this.#around.alarm.noLaterThan(now + failedKept, failedKept);
  }

  /** The receiver wants nothing more (410): what waits is given up. */
  #endAll(now: number): void {
    const { deliveries, alarm } = this.#around;
    this.#early.clear();
    alarm.noLaterThan(now + failedKept, failedKept);
    for (const { next: _next, ...delivery } of this.#waiting())
      deliveries.change(delivery, { ...delivery, last: { at: now, status: 410, error: null }, failed: now });
  }
}
