import { oneInIsolate } from "./isolate.ts";

/** Seconds that a server which could not be reached, or answered 503 without saying for how long, is thought bad. */
export const defaultRetryAfter = 30;
/** Seconds, whatever a server says. */
export const maxRetryAfter = 3600;
const maxRemembered = 1000;

/** Next hops that are thought bad. */
export class UnavailableServers {
  /** By name, until when, in milliseconds. */
  readonly #bad = new Map<string, number>();

  /** RFC 3261 §21.5.4: for the time that a server's Retry-After says, no other request is sent there if another server can take it. */
  remember(name: string, seconds: number, now: number): void {
    if (seconds <= 0) return;
    this.#bad.delete(name);
    this.#bad.set(name, now + Math.min(seconds, maxRetryAfter) * 1000);
    const oldest = this.#bad.keys().next();
    if (this.#bad.size > maxRemembered && oldest.done !== true) this.#bad.delete(oldest.value);
  }

  /** In the same order, but those that are bad last: where nobody else is left they are tried (RFC 3263 §4.3). */
  last<T extends { readonly name: string }>(places: readonly T[], now: number): readonly T[] {
    const isBad = ({ name }: T): boolean => (this.#bad.get(name) ?? 0) > now;
    return [...places.filter((place) => !isBad(place)), ...places.filter(isBad)];
  }
}

/** Each isolate learns for itself, as with the DNS. */
export const unavailableServersOf = oneInIsolate(() => new UnavailableServers());
