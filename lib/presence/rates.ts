import { type Parameters, parameter } from "../syntax/parameters.ts";

/** How often a watcher wants to be told (RFC 6446 §9.1), as times between notifications in milliseconds; 0: no such wish. */
export interface Rates {
  /** At least (max-rate). */
  readonly pause: number;
  /** At most (min-rate). */
  readonly maxPause: number;
  /** At most on average, while there is little to tell (adaptive-min-rate). */
  readonly averagePause: number;
  /** As Subscription-State repeats what is done (§4.3, §5.3, §6.3): `;max-rate=0.1`, or "". */
  readonly text: string;
}

export const noRates: Rates = { pause: 0, maxPause: 0, averagePause: 0, text: "" };

/** The wishes that an Event header's parameters make. */
export function readRates(parameters: Parameters): Rates {
  const [pause, maxPause, averagePause] = names.map((name) => intervalOf(name, parameter(parameters, name)));
  const kept = names.filter((name) => intervalOf(name, parameter(parameters, name)) > 0);
  const text = kept.map((name) => `;${name}=${doneOf(name, parameter(parameters, name))}`).join("");
  return { pause: pause ?? 0, maxPause: maxPause ?? 0, averagePause: averagePause ?? 0, text };
}

/** Average pauses in the period over which the average is taken: several, as RFC 6446 §7.4 wants it. */
const pausesInPeriod = 5;

/**
 * RFC 6446 §7.4: the milliseconds after a notification in which there has to be another one, count / (rate² * period).
 * @param sent when notifications went out, the newest last
 */
export function adaptiveTimeout(averagePause: number, created: number, sent: readonly number[]): number {
  const newest = sent.at(-1) ?? created;
  const period = averagePause * pausesInPeriod;
  // As long as there is no whole period behind us there is no average.
  if (newest - created < period) return averagePause;
  const count = sent.filter((at) => at > newest - period).length;
  return (count * averagePause * averagePause) / period;
}

/** Of the times of notifications, those that still count. */
export function withinPeriod(averagePause: number, sent: readonly number[]): readonly number[] {
  const newest = sent.at(-1) ?? 0;
  return sent.filter((at) => at > newest - averagePause * pausesInPeriod).slice(-maxCounted);
}

const maxCounted = 100;
const names = ["max-rate", "min-rate", "adaptive-min-rate"] as const;

/** Milliseconds: no watcher is told more often than that of what has not changed, at whatever rate it asks for. */
const minPause = 10_000;

/** Of a rate in notifications each second: 0 if there is none. */
function intervalOf(name: (typeof names)[number], rate: string | undefined): number {
  const perSecond = rate === undefined || !/^\d{1,9}(\.\d{1,9})?$/.test(rate) ? 0 : Number(rate);
  if (perSecond <= 0) return 0;
  return Math.min(Math.max(Math.ceil(1000 / perSecond), name === "max-rate" ? 0 : minPause), 86_400_000);
}

/** The rate that is kept: RFC 6446 §5.3 lets a notifier choose a lower one. */
function doneOf(name: (typeof names)[number], rate: string | undefined): string | undefined {
  return name !== "max-rate" && Number(rate) > 1000 / minPause ? `${1000 / minPause}` : rate;
}
