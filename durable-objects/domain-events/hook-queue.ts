import { chooseDelivery, nextAttempt } from "../../lib/web-hooks/schedule.ts";
import type { SharedAlarm } from "../../platform/alarm.ts";
import type { SendResult } from "../../platform/web-hook-sender.ts";
import { type Deliveries, type Delivery, failedKept } from "./deliveries.ts";

/** Deliveries of one hook at a time: usually, and while it has some catching up to do, so that they arrive in order. */
const maxUnderWay = { usually: 2, catchingUp: 1 };
/** Milliseconds after which an attempt that the object has forgotten is made again. */
const forgottenAfter = 15_000;
/** Failures in a row after which a success says that the receiver was away, and is back. */
const minFailures = 2;

/** The result of an attempt; "ended": the hook gets nothing more; undefined: the hook was deleted. */
export type Attempt = SendResult | "ended" | undefined;

/** What the deliveries of one hook need of the object. */
export interface HookSurroundings {
  readonly hook: string;
  readonly deliveries: Deliveries;
  readonly alarm: SharedAlarm;
  /** Sends a delivery once. */
  attempt(delivery: Delivery): Promise<Attempt>;
}

/** The deliveries of one hook: a few at a time, in order of time as far as that goes. */
export class HookQueue {
  readonly #around: HookSurroundings;
  /** The ids of what is being sent. */
  readonly #underWay = new Set<string>();
  /** Attempts in a row that have failed. */
  #failures = 0;
  /** After a failure, and after the object has lost its memory, until nothing is due any more. */
  #isCatchingUp = true;

  constructor(around: HookSurroundings) {
    this.#around = around;
  }

  /** Sends what is due, and sets the alarm for the rest. */
  deliverDue(now: number): void {
    const { hook, deliveries, alarm } = this.#around;
    while (this.#underWay.size < (this.#isCatchingUp ? maxUnderWay.catchingUp : maxUnderWay.usually)) {
      const waiting = deliveries.of(hook).filter(isWaiting);
      const chosen = chooseDelivery(
        waiting.filter(({ id }) => !this.#underWay.has(id)),
        this.#failures,
        now,
      );
      if (chosen === undefined || chosen.next > now) {
        if (chosen !== undefined) alarm.noLaterThan(chosen.next);
        if (this.#failures === 0 && this.#underWay.size === 0) this.#isCatchingUp = false;
        break;
      }
      this.#underWay.add(chosen.id);
      void this.#send(chosen);
    }
    if (this.#underWay.size > 0) alarm.noLaterThan(now + forgottenAfter);
  }

  async #send(delivery: Delivery): Promise<void> {
    try {
      const result = await this.#around.attempt(delivery);
      this.#attempted(delivery, result, Date.now());
    } finally {
      this.#underWay.delete(delivery.id);
    }
    this.deliverDue(Date.now());
  }

  #attempted({ hook, id }: Delivery, result: Attempt, now: number): void {
    const { deliveries } = this.#around;
    const delivery = deliveries.find(hook, id);
    if (result === undefined) this.clear();
    else if (result === "ended") this.#endAll(now);
    else if (delivery !== undefined && result.status !== null && result.status >= 200 && result.status < 300)
      this.#succeeded(delivery, now);
    else if (delivery !== undefined) this.#failed(delivery, result, now);
  }

  #succeeded(delivery: Delivery, now: number): void {
    const { hook, deliveries } = this.#around;
    deliveries.remove(delivery);
    if (this.#failures >= minFailures) deliveries.bringForward(hook, now);
    this.#failures = 0;
  }

  #failed(delivery: Delivery, result: SendResult, now: number): void {
    this.#failures += 1;
    this.#isCatchingUp = true;
    const attempts = delivery.attempts + 1;
    const next = nextAttempt(attempts, delivery.since, now);
    const { since } = delivery;
    this.#around.deliveries.change(delivery, {
      ...{ since, attempts, last: { at: now, ...result } },
      ...(next === undefined ? { failed: now } : { next }),
    });
    if (next === undefined) this.#around.alarm.noLaterThan(now + failedKept, failedKept);
  }

  /** The receiver wants nothing more (410): what waits is given up. */
  #endAll(now: number): void {
    const { hook, deliveries, alarm } = this.#around;
    this.#failures = 0;
    alarm.noLaterThan(now + failedKept, failedKept);
    for (const { since, attempts, ...delivery } of deliveries.of(hook).filter(isWaiting))
      deliveries.change({ ...delivery, since, attempts }, { since, attempts, last: { at: now, status: 410, error: null }, failed: now });
  }

  /** The hook is deleted. */
  clear(): void {
    const { hook, deliveries } = this.#around;
    for (const delivery of [...deliveries.of(hook)]) deliveries.remove(delivery);
  }

  /** Sends a delivery again, at once and with all attempts. */
  replay(delivery: Delivery, now: number): Delivery {
    const again = this.#around.deliveries.change(delivery, { since: now, attempts: 0, next: now, last: delivery.last });
    this.deliverDue(now);
    return again;
  }
}

function isWaiting(delivery: Delivery): delivery is Delivery & { readonly next: number } {
  return delivery.next !== undefined;
}
