/** Seconds that a server which could not be reached, or answered 503 without saying for how long, is thought bad. */
export const usualRest = 30;
/** Seconds, whatever a server says. */
export const longestRest = 3600;
const mostRemembered = 1000;

/** Names of next hops, and until when they are bad, in milliseconds. In the isolate: each learns for itself, as with the DNS. */
const bad = new Map<string, number>();

/** RFC 3261 §21.5.4: for the time that a server's Retry-After says, no other request is sent there if another server can take it. */
export function rememberBad(name: string, seconds: number, now: number): void {
  if (seconds <= 0) return;
  bad.delete(name);
  bad.set(name, now + Math.min(seconds, longestRest) * 1000);
  const oldest = bad.keys().next();
  if (bad.size > mostRemembered && oldest.done !== true) bad.delete(oldest.value);
}

/** In the same order, but those that are bad last: where nobody else is left they are tried (RFC 3263 §4.3). */
export function goodFirst<T extends { readonly name: string }>(places: readonly T[], now: number): readonly T[] {
  const isBad = ({ name }: T): boolean => (bad.get(name) ?? 0) > now;
  return [...places.filter((place) => !isBad(place)), ...places.filter(isBad)];
}
