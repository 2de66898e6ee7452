/** Milliseconds. */
export interface BackOff {
  /** Before the first attempt to reconnect. */
  readonly base: number;
  /** The maximum, after any number of failures. */
  readonly most: number;
}

/**
 * Milliseconds until a connection is opened again (RFC 5626 §4.5): the time doubles with each failure in a row, and half of it is random,
 * so that the clients of a lost server do not all reconnect at once.
 * @param failures in a row, 0 when a working connection has been lost
 * @param random from 0 to 1
 */
export function backOff({ base, most }: BackOff, failures: number, random: number): number {
  const bound = Math.min(most, base * 2 ** failures);
  return Math.round(bound * (0.5 + random / 2));
}
