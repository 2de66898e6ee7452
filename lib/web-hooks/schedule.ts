/** A delivery that is not done. Times in milliseconds. */
export interface WaitingDelivery {
  /** Attempts that have failed. */
  readonly attempts: number;
  /** When it is tried, or tried again. */
  readonly next: number;
}

/** Milliseconds from each failed attempt to the next one, and from then on. */
const pauses = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];
const laterPause = 3 * 3_600_000;
/** Milliseconds after which a delivery is not tried again. */
const maxTime = 24 * 3_600_000;
/** Attempts of a delivery for which the younger ones of its hook wait; failures of a hook in a row after which none waits for another. */
const maxHeld = 3;

/**
 * When a delivery that has failed is tried again.
 * @param attempts those that have failed, this one too
 * @param since when it was to be delivered first
 * @returns milliseconds; undefined if it is given up
 */
export function nextAttempt(attempts: number, since: number, now: number): number | undefined {
  const next = now + (pauses[attempts - 1] ?? laterPause);
  return next > since + maxTime ? undefined : next;
}

/**
 * The delivery of a hook that comes next: the oldest one that is due. In the first minutes of a failure the younger ones wait for it, so
 * that they stay in order; later they do not, because the receiver may dislike this one only.
 * @param waiting the oldest first
 * @param failures attempts of this hook in a row that have failed
 * @returns undefined if none waits; its `next` may be in the future: then it is the time to look again
 */
export function chooseDelivery<Delivery extends WaitingDelivery>(
  waiting: readonly Delivery[],
  failures: number,
  now: number,
): Delivery | undefined {
  let first: Delivery | undefined;
  for (const delivery of waiting) {
    const holdsOthers = delivery.attempts > 0 && delivery.attempts <= maxHeld && failures <= maxHeld;
    if (delivery.next <= now || holdsOthers) return delivery;
    if (first === undefined || delivery.next < first.next) first = delivery;
  }
  return first;
}
