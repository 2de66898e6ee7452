/** Milliseconds. */
export interface BackOff {
  /** Before the first attempt to open a connection again. */
  readonly base: number;
  /** However often it has failed. */
  readonly most: number;
}

/**
 * Milliseconds until a connection is opened again (RFC 5626 §4.5): the time doubles with each failure in a row, and half of it is left
 * to chance, lest all who lost the same server come back at once.
 * @param failures in a row, 0 when a connection that was well has been lost
 * @param chance from 0 to 1
 */
export function backOff({ base, most }: BackOff, failures: number, random: number): number {
  const bound = Math.min(most, base * 2 ** failures);
  return Math.round(bound * (0.5 + random / 2));
}
