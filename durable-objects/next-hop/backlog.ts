import { copyOf } from "../../lib/syntax/memoise.ts";
import { maxUnread, probeTimeout, roomForSmall, smallMessage } from "../../lib/transport/unread.ts";

/** Octets of one sender: what others send waits behind them. */
const maxOfSender = 524_288;

/** A message that was sent, and may not have been read. */
interface Waiting {
  readonly sender: string;
  readonly octets: number;
  /** The branch of a request. */
  readonly branch: string | undefined;
}

/**
 * What waits until another server reads it: it uses our memory, and what comes after it waits, too. Each sender may take half of the room that
 * is left, and 512 KiB, so that none takes the room of all, however many there are. Small messages, which may end a call, have some room of
 * their own.
 */
export class Backlog {
  /** The oldest first, from this one on. */
  #waiting: Waiting[] = [];
  #first = 0;
  /** Octets. */
  readonly #ofSender = new Map<string, number>();
  #octets = 0;
  /** Milliseconds; when the server has last read something, or had nothing to read. */
  #readAt = 0;

  /** Messages. */
  get length(): number {
    return this.#waiting.length - this.#first;
  }

  get octets(): number {
    return this.#octets;
  }

  /** Whether another message of this sender may wait. */
  hasRoom(sender: string, octets: number): boolean {
    const isSmall = octets <= smallMessage;
    const left = maxUnread + (isSmall ? roomForSmall : 0) - this.#octets;
    const own = (this.#ofSender.get(sender) ?? 0) + octets;
    return own <= left / 2 && own <= maxOfSender + (isSmall ? maxOfSender : 0);
  }

  /** Whether the server has read nothing for some time. */
  isStuck(now: number): boolean {
    return this.length > 0 && now - this.#readAt > probeTimeout;
  }

  /** @param branch of a request */
  sent(sender: string, octets: number, now: number, branch?: string): void {
    if (this.length === 0) this.#readAt = now;
    const own = copyOf(sender);
    this.#waiting.push({ sender: own, octets, branch });
    this.#octets += octets;
    this.#ofSender.set(own, (this.#ofSender.get(own) ?? 0) + octets);
  }

  /** The server has answered a request, and so has read all that was sent before. */
  answered(branch: string, now: number): void {
    const at = this.#waiting.findIndex((one, index) => index >= this.#first && one.branch === branch);
    if (at >= 0) this.read(at + 1 - this.#first, now);
  }

  /** The oldest messages have been read. */
  read(messages: number, now: number): void {
    this.#readAt = now;
    const until = Math.min(this.#first + messages, this.#waiting.length);
    for (const { sender, octets } of this.#waiting.slice(this.#first, until)) {
      this.#octets -= octets;
      const left = (this.#ofSender.get(sender) ?? 0) - octets;
      if (left > 0) this.#ofSender.set(sender, left);
      else this.#ofSender.delete(sender);
    }
    this.#first = until;
    if (this.#first * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}
