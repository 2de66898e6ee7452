import { callName } from "../../lib/proxy/call-name.ts";
import { type DialogRoute, endsOf } from "../../lib/proxy/route-token.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { PendingInvites } from "./pending-invites.ts";
import type { UnansweredRequests } from "./unanswered-requests.ts";

/** What ends or completes a call. It begins nothing at a phone or server that does not know the dialog, and no record of the call is needed. */
const endsOrCompletes: readonly string[] = ["ACK", "BYE", "CANCEL", "PRACK"];
/** What a call needs before it is answered (RFC 3311 §5.1). */
const beforeAnswer: readonly string[] = ["UPDATE", "INFO"];

/** The other end of a call, by its Route. */
interface OtherEnd {
  readonly home: HomeName;
  /** The request is one of the user who has placed the call. */
  readonly isFromCaller: boolean;
}

/** Which dialogs the user's phones have at present. A Route outlives its call, so it does not prove that there is one. */
export class PresentDialogs {
  readonly #activeCalls: Pick<ActiveCalls, "isNoted">;
  readonly #pendingInvites: Pick<PendingInvites, "pending">;
  readonly #unanswered: Pick<UnansweredRequests, "isFrom">;

  constructor(
    activeCalls: Pick<ActiveCalls, "isNoted">,
    pendingInvites: Pick<PendingInvites, "pending">,
    unanswered: Pick<UnansweredRequests, "isFrom">,
  ) {
    this.#activeCalls = activeCalls;
    this.#pendingInvites = pendingInvites;
    this.#unanswered = unanswered;
  }

  /** Whether a request of a phone ends or completes a call, or is of a dialog at present. */
  allows(mandatory: MandatoryHeaders, to: OtherEnd, now: number): boolean {
    const { method } = mandatory.cseq;
    if (endsOrCompletes.includes(method) || this.#activeCalls.isNoted(mandatory, now)) return true;
    return beforeAnswer.includes(method) && this.#isUnanswered(mandatory.callId, to);
  }

  /** Whether it is allowed at the other end that a Route names. */
  allowsBy(route: DialogRoute, mandatory: MandatoryHeaders, now: number): boolean {
    const { home } = endsOf(route, mandatory.fromTag).receiver;
    return this.allows(mandatory, { home, isFromCaller: (mandatory.fromTag ?? "") === route.callerTag }, now);
  }

  #isUnanswered(callId: string, { home, isFromCaller }: OtherEnd): boolean {
    return isFromCaller ? this.#pendingInvites.pending().includes(callName(callId)) : this.#unanswered.isFrom(callId, home);
  }
}
