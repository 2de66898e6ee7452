/** A delivery that is not done. Times in milliseconds. */
export interface WaitingDelivery {
  /** Attempts that have failed. */
  readonly attempts: number;
  /** When it is tried, or tried again. */
  readonly next: number;
  /** It has failed again after the receiver took another one: it keeps its own pauses from then on. */
  readonly isRefused?: true;
}

/** Milliseconds from each failed attempt to the next one, and from then on. */
const pauses = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];
const laterPause = 3 * 3_600_000;
/** Milliseconds after which a delivery is not tried again. */
const maxTime = 24 * 3_600_000;
/** Attempts of a delivery for which the younger ones of its hook wait. When one has more, none waits for another. */
const maxHeld = 3;
/** Attempts after which a delivery does not wait for the end of its pause when the receiver takes another one. */
const minMissed = 2;

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
 * that they stay in order; later they do not, because the receiver may dislike this one only. One that it refuses comes after the others.
 * @param waiting all of the hook, the oldest first
 * @param isUnderWay is not chosen
 * @returns undefined if none waits; its `next` may be in the future: then it is the time to look again
 */
export function chooseDelivery<Delivery extends WaitingDelivery>(
  waiting: readonly Delivery[],
  now: number,
  isUnderWay: (delivery: Delivery) => boolean = () => false,
): Delivery | undefined {
  const mayHold = waiting.every(({ attempts }) => attempts <= maxHeld);
  let [first, refused]: (Delivery | undefined)[] = [];
  for (const delivery of waiting) {
    if (isUnderWay(delivery)) continue;
    if (delivery.next <= now && delivery.isRefused === true) refused ??= delivery;
    else if (delivery.next <= now || (mayHold && delivery.attempts > 0)) return delivery;
    if (first === undefined || delivery.next < first.next) first = delivery;
  }
  return refused ?? first;
}

/** Whether a hook has to be served one delivery at a time: one has failed, and it is not known that the receiver refuses just this one. */
export function isBehind(waiting: readonly WaitingDelivery[]): boolean {
  return waiting.some(({ attempts, isRefused }) => attempts > 0 && isRefused !== true);
}

/** Whether a delivery is tried again at once, because the receiver has just taken another one: once, and then no more. */
export function isMissed({ attempts, next, isRefused }: WaitingDelivery, now: number): boolean {
  return attempts >= minMissed && next > now && isRefused !== true;
}
