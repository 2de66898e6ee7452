import { maxUnread, octetsBeforeProbe, probeTimeout } from "../../lib/transport/unread.ts";

/** What a Worker itself has answered to a client that may not have read it yet. Homes count what they send (`UnreadOctets`). */
export class UnreadAnswers {
  readonly #ask: () => string;
  /** Octets since the client last showed that it reads. */
  #octets = 0;
  /** When it was asked for a sign, in milliseconds, how it is known, and what was unread then. */
  #asked: { readonly at: number; readonly branch: string; readonly octets: number } | undefined;

  /** @param ask sends the client a request, and returns its branch */
  constructor(ask: () => string) {
    this.#ask = ask;
  }

  /** Whether an answer may be sent: after 8 MiB unread it is dropped, and when the client has had 10 s to answer, it does not read. */
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

  /** A response has come; true if it is the client's sign that it reads. */
  isSign(branch: string | undefined): boolean {
    if (this.#asked === undefined || branch !== this.#asked.branch) return false;
    this.#octets = Math.max(0, this.#octets - this.#asked.octets);
    this.#asked = undefined;
    return true;
  }
}
