import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { type Request, type Response, headerValue } from "../../lib/syntax/message.ts";
import { copyOf } from "../../lib/syntax/memoise.ts";
import { sessionDescriptionOf } from "../../lib/syntax/body.ts";
import { parsedResponse } from "../shared/reparse.ts";
import type { HomeName, TransactionId } from "../../lib/transport/identifiers.ts";

/** Requests of each kind that are remembered. */
const kept = 500;

/** A request of the other server, as the response to it has to know it. */
export interface Asked {
  readonly hadOffer: boolean;
  readonly isWithin: boolean;
  /** Nothing is known of its call. */
  readonly isOfUnknown?: true;
  /** Its From, if that has a part that goes no further (verstat). */
  readonly from?: string;
}

/** Where an INVITE of the other server went. */
export interface InviteAtHome {
  readonly home: HomeName;
  readonly transaction: TransactionId;
}

/** Requests of the other server, in memory: for the media of their responses, and for the CANCEL of an INVITE. */
export class ReceivedRequests {
  readonly #asked = new Map<string, Asked>();
  readonly #invites = new Map<string, InviteAtHome>();

  remember(request: Request, mandatory: MandatoryHeaders, isOfUnknown = false): void {
    const from = headerValue(request, "from") ?? "";
    const marked = /verstat|%/i.test(from) ? { from: copyOf(from) } : {};
    const more = { ...marked, ...(isOfUnknown ? ({ isOfUnknown } as const) : {}) };
    const asked = { hadOffer: sessionDescriptionOf(request) !== undefined, isWithin: mandatory.toTag !== undefined, ...more };
    setBounded(this.#asked, askedBy(mandatory), asked);
  }

  /** The request that a response answers. */
  askedFor(mandatory: MandatoryHeaders): Asked | undefined {
    return this.#asked.get(askedBy(mandatory));
  }

  rememberInvite(mandatory: MandatoryHeaders, invite: InviteAtHome): void {
    setBounded(this.#invites, nameOf(mandatory), invite);
  }

  /** The INVITE of a CANCEL. */
  inviteOf(mandatory: MandatoryHeaders): InviteAtHome | undefined {
    return this.#invites.get(nameOf(mandatory));
  }
}

function setBounded<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > kept && oldest !== undefined) map.delete(oldest);
}

/** The values that a CANCEL shares with its INVITE (RFC 3261 §9.1), and responses too (§17.1.3). */
export function nameOf({ via: { branch, sentBy }, callId }: MandatoryHeaders): string {
  return `${sentBy} ${branch ?? ""} ${callId}`;
}

/** What a request and its responses have in common (RFC 3261 §17.1.3). */
function askedBy({ callId, cseq }: MandatoryHeaders): string {
  return `${callId} ${cseq.number} ${cseq.method}`;
}

/** A response with the From that the other server has sent (RFC 3261 §8.2.6.2). */
export function asSent(response: Response, { from }: Asked): Response {
  return from === undefined ? response : parsedResponse(alter(response, { remove: ["from"], append: [["From", from]] }));
}
