import { maxUnread, probeTimeout } from "../../lib/transport/unread.ts";

/** Octets that may be unread in all connections of an isolate before each may have only a few. */
const maxInIsolate = 4 * maxUnread;
const fewOctets = 262_144;
/** Octets that a client is sent before it gets a probe: so few that a client which reads always has room. */
const beforeProbe = fewOctets / 2;

/** Octets that are unread in all connections of this isolate. */
let inIsolate = 0;

/**
 * Answers of a Worker itself to a client that may not have read them yet. Homes count what they send (`UnreadOctets`). A client that does
 * not answer the probe in time is closed, whether more is sent to it or not.
 */
export class UnreadAnswers {
  readonly #ask: () => string;
  readonly #doesNotRead: () => void;
  /** Octets since the last sign that the client reads. */
  #octets = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The probe: its branch, and the octets that were unread when it was sent. */
  #asked: { readonly branch: string; readonly octets: number } | undefined;

  /**
   * @param ask sends a probe to the client, and returns its branch
   * @param doesNotRead called when the probe was not answered within 10 s
   */
  constructor(ask: () => string, doesNotRead: () => void) {
    this.#ask = ask;
    this.#doesNotRead = doesNotRead;
  }

  /** Whether an answer may be sent: else more than 8 MiB would be unread, or in all connections together too much, and it is dropped. */
  hasRoom(octets: number): boolean {
    const most = inIsolate + octets <= maxInIsolate ? maxUnread : fewOctets;
    return this.#octets + octets <= most;
  }

  /** An answer was sent. */
  sent(octets: number): void {
    this.#octets += octets;
    inIsolate += octets;
    if (this.#asked !== undefined || this.#octets < beforeProbe) return;
    this.#asked = { branch: this.#ask(), octets: this.#octets };
    this.#timer = setTimeout(this.#doesNotRead, probeTimeout);
  }

  /** The connection is closed: nothing waits there any more. */
  ends(): void {
    clearTimeout(this.#timer);
    inIsolate -= this.#octets;
    this.#octets = 0;
  }

  /** A response has arrived; true if it answers the probe. */
  isSign(branch: string | undefined): boolean {
    if (this.#asked === undefined || branch !== this.#asked.branch) return false;
    clearTimeout(this.#timer);
    const left = Math.max(0, this.#octets - this.#asked.octets);
    inIsolate -= this.#octets - left;
    this.#octets = left;
    this.#asked = undefined;
    return true;
  }
}
