import { oneInIsolate } from "./isolate.ts";

/** Seconds that a server counts as unavailable if it could not be reached, or answered 503 without a Retry-After. */
export const defaultRetryAfter = 30;
/** Maximum seconds, whatever a server asks for. */
export const maxRetryAfter = 3600;
const maxRemembered = 1000;

/** Next hops that count as unavailable. */
export class UnavailableServers {
  /** By name: milliseconds until when. */
  readonly #bad = new Map<string, number>();

  /** RFC 3261 §21.5.4: for the time in a server's Retry-After, no other request is sent there if another server can take it. */
  remember(name: string, seconds: number, now: number): void {
    if (seconds <= 0) return;
    this.#bad.delete(name);
    this.#bad.set(name, now + Math.min(seconds, maxRetryAfter) * 1000);
    const oldest = this.#bad.keys().next();
    if (this.#bad.size > maxRemembered && oldest.done !== true) this.#bad.delete(oldest.value);
  }

  /** Whether it counts as unavailable. */
  has(name: string, now: number): boolean {
    return (this.#bad.get(name) ?? 0) > now;
  }

  /** In the same order, but unavailable ones last: they are tried if no other is left (RFC 3263 §4.3). */
  last<T extends { readonly name: string }>(places: readonly T[], now: number): readonly T[] {
    const isBad = ({ name }: T): boolean => this.has(name, now);
    return [...places.filter((place) => !isBad(place)), ...places.filter(isBad)];
  }
}

/** Each isolate has its own, as with the DNS. */
export const unavailableServersOf = oneInIsolate(() => new UnavailableServers());
