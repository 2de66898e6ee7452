import { type Fault, limitReached } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { TransactionId } from "../../lib/transport/identifiers.ts";
import type { ReturnAddress } from "../../lib/transport/return-address.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { mandatoryHeadersOf } from "../shared/reparse.ts";

/** A request within a dialog that waits for its response from the other one; in memory only, as for any request without state. */
export interface Relayed {
  readonly request: Request;
  readonly answerTo: ReturnAddress;
  /** Milliseconds. */
  readonly at: number;
  /** Of whom, in which call. */
  readonly sender: string;
  /** An INVITE that was refused: its ACK is of its transaction (RFC 3261 §17.1.1.3). */
  readonly isRefused?: true;
}

/** Of one home, and of one end of a call: how many, and their octets, since they are kept whole. */
const maxRelayed = { count: 200, octets: 4_194_304 };
const maxOfOne = { count: 20, octets: 1_048_576 };

/** The requests that the server has passed on from one dialog into another one. */
export class RelayedRequests {
  readonly #lifetime: number;
  readonly #relayed = new Map<TransactionId, Relayed>();

  /** @param lifetime milliseconds that a response is waited for */
  constructor(lifetime: number) {
    this.#lifetime = lifetime;
  }

  /** @returns the transaction that a request is passed on with: a new one, or that of the refused INVITE that an ACK is for */
  begin(relayed: Omit<Relayed, "isRefused">): TransactionId | Fault {
    const { request, sender, at: now } = relayed;
    for (const [transaction, { at }] of this.#relayed) if (now - at > this.#lifetime) this.#relayed.delete(transaction);
    const ofInvite = request.method === "ACK" ? this.#endedBy(request, sender) : undefined;
    if (ofInvite !== undefined) return ofInvite;
    const all = [...this.#relayed.values()];
    const own = all.filter((one) => one.sender === sender);
    if (!fits(all, request, maxRelayed) || !fits(own, request, maxOfOne)) return tooMany;
    const transaction = randomText() + randomText();
    if (request.method !== "ACK") this.#relayed.set(transaction, relayed);
    return transaction;
  }

  /** The request that a response is for. */
  answered(transaction: TransactionId, status: number): Relayed | undefined {
    const relayed = this.#relayed.get(transaction);
    if (relayed === undefined) return undefined;
    if (status >= 300 && relayed.request.method === "INVITE") this.#relayed.set(transaction, { ...relayed, isRefused: true });
    else if (status >= 200) this.#relayed.delete(transaction);
    return relayed;
  }

  #endedBy(ack: Request, sender: string): TransactionId | undefined {
    const number = numberOf(ack);
    for (const [transaction, one] of this.#relayed)
      if (one.isRefused === true && one.sender === sender && numberOf(one.request) === number) {
        this.#relayed.delete(transaction);
        return transaction;
      }
    return undefined;
  }
}

/** Whether there is room for one more. */
function fits(all: readonly Relayed[], { text }: Request, most: { readonly count: number; readonly octets: number }): boolean {
  return all.length < most.count && all.reduce((sum, { request }) => sum + request.text.length, text.length) <= most.octets;
}

function numberOf(request: Request): number {
  return mandatoryHeadersOf(request).cseq.number;
}

const tooMany: Fault = limitReached(480, "too many requests of this user's calls wait for an answer");
