import { copyOf } from "../../lib/syntax/memoise.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { MediaBridge } from "./media-bridge.ts";

/** Calls of which nothing is known that are remembered. */
const maxDoubtful = 500;

/** When the media of calls end that homes of ours end. */
export class MediaEnds {
  readonly #calls: ActiveCalls;
  readonly #media: MediaBridge;
  /** Calls of which nothing is known, and which a BYE would end. */
  readonly #doubtful = new Set<string>();

  constructor(calls: ActiveCalls, media: MediaBridge) {
    this.#calls = calls;
    this.#media = media;
  }

  /** A call that has no dialog any more has no media. */
  ended({ callId }: MandatoryHeaders): void {
    if (!this.#calls.has(callId)) this.#media.over(callId);
  }

  /** A BYE has been sent. Of an unknown call the answer tells whether it is over. */
  byeSent(mandatory: MandatoryHeaders, isKnown: boolean): void {
    if (isKnown) this.ended(mandatory);
    else this.#doubts(mandatory.callId);
  }

  #doubts(callId: string): void {
    this.#doubtful.add(copyOf(callId));
    const [oldest] = this.#doubtful;
    if (this.#doubtful.size > maxDoubtful && oldest !== undefined) this.#doubtful.delete(oldest);
  }

  /** @param hadCall whether the call was known before the answer */
  byeAnswered(mandatory: MandatoryHeaders, status: number, hadCall: boolean): void {
    const isOver = status >= 200 && this.#doubtful.delete(mandatory.callId) && status < 300;
    if (isOver || hadCall) this.ended(mandatory);
  }

  /** With the connection the answers are lost. */
  lost(): void {
    this.#doubtful.clear();
  }
}
