/** Codes that only say how a connection ended (RFC 6455 §7.4.1); they, and what is no code at all, cannot be sent. */
const unsendable: readonly number[] = [1004, 1005, 1006, 1015];

/**
 * The code to close a WebSocket with whose other end closed it with this one: the same, or 1000 where that cannot be sent. A client
 * may put anything into its Close frame, and the platform throws at what it would not send itself.
 */
export function closeCodeFor(received: number): number {
  return received >= 1000 && received < 5000 && !unsendable.includes(received) ? received : 1000;
}
