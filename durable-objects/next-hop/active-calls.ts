import type { Trunk } from "../../lib/routing/trunk.ts";
import { dialogName } from "../../lib/proxy/call-name.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";

interface Call {
  /** The home of its caller; undefined if that is not known any more. */
  readonly home: string | undefined;
  readonly isAnswered: boolean;
  /** By name: of several phones that answer each makes one (RFC 3261 §13.2.2.4), and the call is over with the last. */
  readonly dialogs: readonly string[];
  /** Milliseconds: when it counts no more, should nothing else be heard of it. */
  readonly until: number;
}

/** Milliseconds. */
export interface CallTimeout {
  /** Timer B. */
  readonly transaction: number;
  /** Timer C. */
  readonly ringing: number;
}

/** Milliseconds that the timers of the home that sent a call are ahead: it is the one that ends it. */
const headStart = 5000;

/** Milliseconds after which an answered call that was never ended, and in which nobody has said anything, counts no more. */
const maxSilence = 24 * 3600_000;
/** Phones that answer one call. */
const maxDialogs = 8;

/** Ended dialogs that are remembered. */
const maxOver = 1000;

const goesOn = ["INVITE", "ACK", "UPDATE"];

/** What a call is known by. */
type CallIds = Pick<MandatoryHeaders, "callId" | "fromTag" | "toTag">;

/**
 * The calls on a connection, by Call-ID: it stays open for them. What ends a call may never come (no response, no BYE), so each counts
 * for a time only. In memory alone. Every `now` is in milliseconds.
 */
export class ActiveCalls {
  readonly #patience: CallTimeout;
  readonly #calls = new Map<string, Call>();
  /** Dialogs that have ended, by name, the newest: what comes of them late, as a 2xx that is said again behind the BYE, begins nothing. */
  readonly #over = new Set<string>();

  constructor(patience: CallTimeout) {
    this.#patience = patience;
  }

  /**
   * A request has gone by: INVITE begins a call, BYE ends it, and what only a call has shows that it goes on (RFC 3261 §13, §14; RFC 3311).
   * A route outlives its call: that there is one that is not known, or not answered, only a 2xx to an INVITE shows.
   * @param home of the caller
   */
  passed(method: string, mandatory: CallIds, now: number, home?: string): void {
    const { callId, toTag } = mandatory;
    const call = this.#calls.get(callId);
    if (method === "BYE") this.#ends(mandatory);
    else if (call === undefined) {
      const until = now + this.#patience.transaction + headStart;
      if (method === "INVITE") this.#calls.set(callId, { home, isAnswered: false, dialogs: [], until });
    } else if (call.isAnswered && toTag !== undefined && goesOn.includes(method)) this.#talks(mandatory, now);
  }

  /** A response has gone by. A refusal ends a call that nobody has answered; a re-INVITE may be refused, and the call goes on (RFC 3261 §14.1). */
  answered(status: number, mandatory: CallIds & Pick<MandatoryHeaders, "cseq">, now: number): void {
    const { callId, cseq } = mandatory;
    if (cseq.method !== "INVITE") return;
    if (status >= 200 && status < 300) return this.#talks(mandatory, now);
    const call = this.#calls.get(callId);
    if (call?.isAnswered !== false) return;
    if (status >= 300) this.#calls.delete(callId);
    // Timer C, and then the wait for an answer to the CANCEL (RFC 3261 §9.1).
    const { ringing, transaction } = this.#patience;
    if (status < 200) this.#calls.set(callId, { ...call, until: now + ringing + transaction + headStart });
  }

  /** The connection is gone, and with it those that nobody has answered; the others go on by the next one (RFC 3261 §12.2.1). */
  lost(): void {
    for (const [callId, { isAnswered }] of this.#calls) if (!isAnswered) this.#calls.delete(callId);
  }

  has(callId: string): boolean {
    return this.#calls.has(callId);
  }

  /** Whether the call with this Call-ID is that of another home: nobody else may make a dialog that looks like one of it. */
  isOfOther(callId: string, home: string): boolean {
    const call = this.#calls.get(callId);
    return call !== undefined && call.home !== undefined && call.home !== home;
  }

  count(now: number): number {
    for (const [callId, { until }] of this.#calls) if (until <= now) this.#calls.delete(callId);
    return this.#calls.size;
  }

  #talks(mandatory: CallIds, now: number): void {
    const { callId } = mandatory;
    const { home, dialogs = [] } = this.#calls.get(callId) ?? {};
    const name = dialogName(mandatory);
    if (this.#over.has(name)) return;
    const known = dialogs.includes(name) ? dialogs : [...dialogs, name].slice(-maxDialogs);
    this.#calls.set(callId, { home, isAnswered: true, dialogs: known, until: now + maxSilence });
  }

  #ends(mandatory: CallIds): void {
    const call = this.#calls.get(mandatory.callId);
    // That of an early dialog: the INVITE has yet to be answered (RFC 3261 §15).
    if (call?.isAnswered !== true) return;
    const name = dialogName(mandatory);
    this.#over.add(name);
    const [oldest] = this.#over;
    if (this.#over.size > maxOver && oldest !== undefined) this.#over.delete(oldest);
    const dialogs = call.dialogs.filter((one) => one !== name);
    if (dialogs.length === 0) this.#calls.delete(mandatory.callId);
    else this.#calls.set(mandatory.callId, { ...call, dialogs });
  }

  /** When the last of them counts no more; 0 if there is none. */
  until(): number {
    return Math.max(0, ...[...this.#calls.values()].map(({ until }) => until));
  }
}

/** Whether a trunk takes no further call over this connection. */
export function isFull({ maximum_calls }: Trunk, calls: ActiveCalls): boolean {
  return maximum_calls > 0 && calls.count(Date.now()) >= maximum_calls;
}
