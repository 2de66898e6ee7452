import { type Parameters, parameter } from "../syntax/parameters.ts";

/** The notification rates that a watcher asks for (RFC 6446 §9.1), as times between notifications in milliseconds; 0: none. */
export interface Rates {
  /** Minimum time (max-rate). */
  readonly pause: number;
  /** Maximum time (min-rate). */
  readonly maxPause: number;
  /** Maximum average time, while there are few changes (adaptive-min-rate). */
  readonly averagePause: number;
  /** The rates in effect, repeated in Subscription-State (§4.3, §5.3, §6.3): `;max-rate=0.1`, or "". */
  readonly text: string;
}

export const noRates: Rates = { pause: 0, maxPause: 0, averagePause: 0, text: "" };

/** The rates in the parameters of an Event header. */
export function readRates(parameters: Parameters): Rates {
  const [pause, maxPause, averagePause] = names.map((name) => intervalOf(name, parameter(parameters, name)));
  const kept = names.filter((name) => intervalOf(name, parameter(parameters, name)) > 0);
  const text = kept.map((name) => `;${name}=${doneOf(name, parameter(parameters, name))}`).join("");
  return { pause: pause ?? 0, maxPause: maxPause ?? 0, averagePause: averagePause ?? 0, text };
}

/** The average is taken over this many average pauses: several, as RFC 6446 §7.4 requires. */
const pausesInPeriod = 5;

/**
 * RFC 6446 §7.4: the milliseconds after a notification until the next one is required, count / (rate² * period).
 * @param sent when notifications were sent, the newest last
 */
export function adaptiveTimeout(averagePause: number, created: number, sent: readonly number[]): number {
  const newest = sent.at(-1) ?? created;
  const period = averagePause * pausesInPeriod;
  // There is no average until a whole period has passed.
  if (newest - created < period) return averagePause;
  const count = sent.filter((at) => at > newest - period).length;
  return (count * averagePause * averagePause) / period;
}

/** The times of notifications that are within the period. */
export function withinPeriod(averagePause: number, sent: readonly number[]): readonly number[] {
  const newest = sent.at(-1) ?? 0;
  return sent.filter((at) => at > newest - averagePause * pausesInPeriod).slice(-maxCounted);
}

const maxCounted = 100;
const names = ["max-rate", "min-rate", "adaptive-min-rate"] as const;

/** Milliseconds: unchanged state is not sent more often, whatever rate the watcher asks for. */
const minPause = 10_000;

/** From a rate in notifications per second: 0 if there is none. */
function intervalOf(name: (typeof names)[number], rate: string | undefined): number {
  const perSecond = rate === undefined || !/^\d{1,9}(\.\d{1,9})?$/.test(rate) ? 0 : Number(rate);
  if (perSecond <= 0) return 0;
  return Math.min(Math.max(Math.ceil(1000 / perSecond), name === "max-rate" ? 0 : minPause), 86_400_000);
}

/** The rate that is applied: RFC 6446 §5.3 lets a notifier choose a lower one. */
function doneOf(name: (typeof names)[number], rate: string | undefined): string | undefined {
  return name !== "max-rate" && Number(rate) > 1000 / minPause ? `${1000 / minPause}` : rate;
}
