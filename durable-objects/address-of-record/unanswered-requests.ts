import { mandatoryHeadersOf } from "../shared/reparse.ts";
import type { HomeName, TransactionId } from "../../lib/transport/identifiers.ts";
import { callName } from "../../lib/proxy/call-name.ts";
import { readCallDetails } from "../../lib/presence/call-details.ts";
import { type ResponseContext, ringsHere } from "../../lib/proxy/response-context/context.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { DialogEnd, SentRequest } from "../../lib/transport/envelope.ts";
import type { CallDetails } from "../../lib/transport/flow.ts";
import type { Room } from "./room.ts";
import type { Contexts, OpenContext } from "./contexts.ts";
import { isRoutingHome } from "../shared/routing-home.ts";
import { hasRoomFor } from "./waiting-requests.ts";

/** A call that rings here. */
interface RingingCall {
  readonly name: string;
  readonly transaction: TransactionId;
  readonly details: CallDetails | undefined;
}

/** The requests for this home's user that wait for an answer. */
export class UnansweredRequests {
  readonly #room: Room;
  readonly #contexts: Contexts;

  constructor(room: Room, contexts: Contexts) {
    this.#room = room;
    this.#contexts = contexts;
  }

  /** Calls of others that ring at this user's phones; without those that were forwarded. */
  ringing(): RingingCall[] {
    const isRinging = ({ context }: OpenContext) =>
      context.method === "INVITE" && context.final === 0 && callerOf(context).home !== this.#room.home.name && ringsHere(context);
    return this.#contexts
      .unfinished()
      .filter(isRinging)
      .map(({ context, request }) => {
        const details = readCallDetails(request, request, false);
        const localTag = this.#contexts.earlyTag(context) ?? "";
        return {
          name: callName(mandatoryHeadersOf(request).callId),
          transaction: context.transaction,
          details: details === undefined ? undefined : { ...details, localTag },
        };
      });
  }

  /** Whether a call of another user with this Call-ID is ringing here. */
  isOfOther(callId: string, home: HomeName): boolean {
    return this.#contexts.unfinished().some(({ context, request }) => {
      return context.final === 0 && callerOf(context).home !== home && mandatoryHeadersOf(request).callId === callId;
    });
  }

  /** Whether a call with this Call-ID is ringing here whose caller's end of the dialog is at this home. */
  isFrom(callId: string, home: HomeName): boolean {
    return this.#contexts.unfinished().some(({ context, request }) => {
      const isRinging = context.method === "INVITE" && context.final === 0 && callerOf(context).home === home;
      return isRinging && mandatoryHeadersOf(request).callId === callId;
    });
  }

  /**
   * Whether another request may wait too. At a routing home only those count that the router has not decided on, and those to the same
   * address: the others wait at the users whom they ring.
   */
  hasRoomFor({ caller, answerTo }: SentRequest, { text, requestUri }: Request): boolean {
    const { home } = caller ?? answerTo;
    if (!this.#contexts.hasRoomFor(text.length)) return false;
    const isEverywhere = !isRoutingHome(this.#room.home.name);
    const waiting = this.#contexts
      .unfinished()
      .filter(({ context }) => context.final === 0)
      .filter(({ context, request }) => isEverywhere || context.asks !== undefined || request.requestUri === requestUri)
      .map((open) => ({ home: callerOf(open.context).home, size: this.#contexts.sizeOf(open) }));
    return hasRoomFor({ home, size: text.length }, waiting, this.#room.home.name);
  }
}

/** The caller's end of the dialog, also if the call was forwarded. */
export function callerOf({ search, answerTo }: ResponseContext): DialogEnd {
  return search?.caller ?? answerTo;
}
