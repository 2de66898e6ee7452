/** Wrong passwords that were tried for one account, from all connections. */
export interface Brake {
  readonly failedAttempts: number;
  /** Milliseconds: when the last one was tried. */
  readonly last: number;
}

export const released: Brake = { failedAttempts: 0, last: 0 };

/** Wrong passwords of one account before it is slowed. */
const free = 20;
/** Milliseconds: the delay for each further one, its maximum, and how long it usually lasts without another wrong password. */
const [step, most, usualMemory] = [200, 4_000, 600_000];

/** The brake after this many more wrong passwords. */
export function brakeHarder(brake: Brake, failedAttempts: number, now: number, memory = usualMemory): Brake {
  return { failedAttempts: (now - brake.last > memory ? 0 : brake.failedAttempts) + failedAttempts, last: now };
}

/**
 * Milliseconds that credentials for the account wait before they are checked, right or wrong. They are always checked, so that an attacker
 * cannot lock the owner out. An authenticated flow sends no credentials and never waits.
 */
export function brakeDelay({ failedAttempts, last }: Brake, now: number, memory = usualMemory): number {
  return now - last > memory ? 0 : Math.min(most, Math.max(0, failedAttempts - free) * step);
}
