import { maxUnread, octetsBeforeProbe, probeTimeout } from "../../lib/transport/unread.ts";

/** Answers of a Worker itself to a client that may not have read them yet. Homes count what they send (`UnreadOctets`). */
export class UnreadAnswers {
  readonly #ask: () => string;
  /** Octets since the last sign that the client reads. */
  #octets = 0;
  /** The probe: when it was sent (milliseconds), its branch, and the octets that were unread then. */
  #asked: { readonly at: number; readonly branch: string; readonly octets: number } | undefined;

  /** @param ask sends a probe to the client, and returns its branch */
  constructor(ask: () => string) {
    this.#ask = ask;
  }

  /** "full": more than 8 MiB would be unread, so the answer is dropped. "does not read": also, the probe was not answered within 10 s. */
  check(octets: number, now: number): "room" | "full" | "does not read" {
    if (this.#octets + octets <= maxUnread) return "room";
    return this.#asked !== undefined && now - this.#asked.at > probeTimeout ? "does not read" : "full";
  }

  /** An answer was sent. */
  sent(octets: number, now: number): void {
    this.#octets += octets;
    if (this.#asked !== undefined || this.#octets < octetsBeforeProbe) return;
    this.#asked = { at: now, branch: this.#ask(), octets: this.#octets };
  }

  /** A response has arrived; true if it answers the probe. */
  isSign(branch: string | undefined): boolean {
    if (this.#asked === undefined || branch !== this.#asked.branch) return false;
    this.#octets = Math.max(0, this.#octets - this.#asked.octets);
    this.#asked = undefined;
    return true;
  }
}
