/** Wrong passwords that were tried for one account, from wherever. */
export interface Brake {
  readonly failedAttempts: number;
  /** Milliseconds: when the last one was tried. */
  readonly last: number;
}

export const released: Brake = { failedAttempts: 0, last: 0 };

/** Wrong passwords of one account before it is slowed. */
const free = 20;
/** Milliseconds: for each more, at most, and for how long it lasts without another. */
const [step, most, memory] = [200, 4_000, 600_000];

/** After so many more wrong passwords. */
export function brakeHarder(brake: Brake, failedAttempts: number, now: number): Brake {
  return { failedAttempts: (now - brake.last > memory ? 0 : brake.failedAttempts) + failedAttempts, last: now };
}

/**
 * Milliseconds that credentials for the account wait before they are looked at, right or wrong. They are always looked at, so that
 * nobody can lock the owner out; who is authenticated already shows none and never waits.
 */
export function brakeDelay({ failedAttempts, last }: Brake, now: number): number {
  return now - last > memory ? 0 : Math.min(most, Math.max(0, failedAttempts - free) * step);
}
