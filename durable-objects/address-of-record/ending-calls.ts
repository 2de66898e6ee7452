import type { CallInProgress } from "../../lib/transport/flow.ts";
import type { FlowId, PhoneId } from "../../lib/transport/identifiers.ts";
import { type ByeAnswer, type ByeTraits, isAnswerOf } from "../../lib/proxy/bye.ts";
import type { Suspended } from "./suspended-calls.ts";

/** Where it was: at a socket, or in the row of a phone that is away. */
export type EndedAt = { readonly flow: FlowId } | { readonly flow?: never; readonly phone: PhoneId; readonly suspended: Suspended };

/** What a BYE has ended. */
export interface Ended {
  readonly call: CallInProgress;
  readonly at: EndedAt;
  readonly bye: ByeTraits;
  /** Milliseconds. */
  readonly since: number;
}

/** Dialogs that are remembered. */
const most = 100;
/** Milliseconds for which a call counts whose BYE has no answer yet: its other end may be gone. */
const counts = 2000;

/**
 * What BYEs have just ended, in case the other end refuses one (RFC 3261 §12.2.2): then the call goes on. In memory only, because that is
 * known within seconds.
 */
export class EndingCalls {
  /** By the name of the dialog. */
  readonly #ended = new Map<string, readonly Ended[]>();

  note(call: CallInProgress, at: EndedAt, bye: ByeTraits, now: number): void {
    this.#ended.set(call.name, [...(this.#ended.get(call.name) ?? []), { call, at, bye, since: now }]);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > most && oldest !== undefined) this.#ended.delete(oldest);
  }

  /** The BYE has its answer, perhaps. */
  take(name: string, answer: ByeAnswer): readonly Ended[] | undefined {
    const ended = this.#ended.get(name);
    if (!isAnswerOf(ended?.[0]?.bye.other, answer)) return undefined;
    this.#ended.delete(name);
    return ended;
  }

  count(now: number): number {
    return [...this.#ended.values()].filter(([first]) => first !== undefined && now - first.since < counts).length;
  }
}
