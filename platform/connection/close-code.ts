/** Codes that only describe how a connection ended (RFC 6455 §7.4.1); they, and invalid codes, cannot be sent. */
const unsendable: readonly number[] = [1004, 1005, 1006, 1015];

/**
 * The close code in answer to this one of the other end: the same, or 1000 if that cannot be sent. A client may put any code into its Close
 * frame, and the platform throws at one that must not be sent.
 */
export function closeCodeFor(received: number): number {
  return received >= 1000 && received < 5000 && !unsendable.includes(received) ? received : 1000;
}
