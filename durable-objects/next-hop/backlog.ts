import { copyOf } from "../../lib/syntax/memoise.ts";
import { maxUnread, probeTimeout, roomForSmall, smallMessage } from "../../lib/transport/unread.ts";

/** A message that was sent, and may not have been read. */
interface Waiting {
  readonly callId: string;
  readonly octets: number;
  /** Milliseconds; when it was sent. */
  readonly at: number;
}

/**
 * What waits until another server reads it: it uses our memory. Each call may take half of the room that is left, so that none takes the room
 * of all, however many there are. Small messages, which may end a call, have some room of their own.
 */
export class Backlog {
  /** The oldest first, from this one on. */
  #waiting: Waiting[] = [];
  #first = 0;
  /** Octets. */
  readonly #ofCall = new Map<string, number>();
  #octets = 0;

  /** Messages. */
  get length(): number {
    return this.#waiting.length - this.#first;
  }

  get octets(): number {
    return this.#octets;
  }

  /** Whether another message of this call may wait. */
  hasRoom(callId: string, octets: number): boolean {
    const most = maxUnread + (octets <= smallMessage ? roomForSmall : 0);
    const left = most - this.#octets;
    return (this.#ofCall.get(callId) ?? 0) + octets <= left / 2;
  }

  /** Whether the server has read nothing for some time. */
  isStuck(now: number): boolean {
    const oldest = this.#waiting[this.#first];
    return oldest !== undefined && now - oldest.at > probeTimeout;
  }

  sent(callId: string, octets: number, now: number): void {
    const own = copyOf(callId);
    this.#waiting.push({ callId: own, octets, at: now });
    this.#octets += octets;
    this.#ofCall.set(own, (this.#ofCall.get(own) ?? 0) + octets);
  }

  /** The oldest messages have been read. */
  read(messages: number): void {
    const until = Math.min(this.#first + messages, this.#waiting.length);
    for (const { callId, octets } of this.#waiting.slice(this.#first, until)) {
      this.#octets -= octets;
      const left = (this.#ofCall.get(callId) ?? 0) - octets;
      if (left > 0) this.#ofCall.set(callId, left);
      else this.#ofCall.delete(callId);
    }
    this.#first = until;
    if (this.#first * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}
