import { callName, callOf, dialogName, withoutRoute } from "../../lib/proxy/call-name.ts";
import { endsOf, openRoute } from "../../lib/proxy/route-token.ts";
import { isHopName, isSameParty } from "../../lib/routing/hop-name.ts";
import { type Fault, fault } from "../../lib/syntax/fault.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Request, hasHeader, headerValues } from "../../lib/syntax/message.ts";
import type { CallDetails } from "../../lib/transport/flow.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { type ReturnAddress, isFromPhone } from "../../lib/transport/return-address.ts";
import { isGuestHome, isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { Room } from "./room.ts";
import type { UnansweredRequests } from "./unanswered-requests.ts";

/** What the called side may not send before it has answered (RFC 3261 §14.1, §15). */
const afterAnswer = ["INVITE", "BYE", "REFER", "MESSAGE"];
/** What a guest may send in a call that is not answered yet, or that is not known any more; and the first of them only. */
const ofUnknownCall = ["ACK", "BYE", "PRACK"];
const ofUnansweredCall = ["UPDATE"];
/** Headers that name a dialog, with the parameters of its tags. */
const naming = [
  ["replaces", "from-tag", "to-tag"],
  ["join", "from-tag", "to-tag"],
  ["target-dialog", "local-tag", "remote-tag"],
] as const;

/**
 * Who has been called has the Route of the call and its Call-ID, also if another one has answered it. Phones check the Call-ID and tags, some
 * of them only their own: so the one who has not answered could end, divert or refer the call of the others.
 */
export class CallGuard {
  readonly #room: Room;
  readonly #activeCalls: ActiveCalls;
  readonly #unanswered: Pick<UnansweredRequests, "isFrom">;

  constructor(room: Room, activeCalls: ActiveCalls, unanswered: Pick<UnansweredRequests, "isFrom">) {
    this.#room = room;
    this.#unanswered = unanswered;
    this.#activeCalls = activeCalls;
  }

  /** Refuses a request to a phone of the user within a call that is known here, but not of its other end. */
  refuseWithin(mandatory: MandatoryHeaders, sender: ReturnAddress, now: number): Fault | undefined {
    const { callId, cseq } = mandatory;
    if (!isFromPhone(sender)) return undefined;
    const known = this.#activeCalls.ofCall(callId, now);
    // What a guest sends outside a call is counted.
    if (known.length === 0 && isGuestHome(sender.home) && !this.#mayGuestSend(cseq.method, callId, sender.home)) return notOfCall;
    if (known.length === 0) return afterAnswer.includes(cseq.method) && this.#isCalling(callId) ? notAnswered : undefined;
    // Calls of older builds have no tags in their names.
    const same = known.filter(({ name }) => name === dialogName(mandatory) || name === callOf(name));
    if (same.length === 0) return notOfCall;
    const ends = same.flatMap(({ details }) => (details === undefined ? [] : (this.#otherEnd(details) ?? [])));
    // What another server sends may come by another connection than the call has gone.
    const isOne = (end: HomeName) => isSameParty(end, sender.home) || (isOfServer(end) && isOfServer(sender.home));
    const isOther = ends.length > 0 && sender.home !== this.#room.home.name && !ends.some(isOne);
    return isOther ? notOfCall : undefined;
  }

  #mayGuestSend(method: string, callId: string, guest: HomeName): boolean {
    return ofUnknownCall.includes(method) || (ofUnansweredCall.includes(method) && this.#unanswered.isFrom(callId, guest));
  }

  /**
   * Refuses a request that wants something of a dialog of a call which is known here, but not with that dialog: to replace it (RFC 3891 §3),
   * to join it (RFC 3911), or to be allowed by it (RFC 4538).
   */
  refuseByDialog(request: Request, now: number): Fault | undefined {
    for (const [header, own, other] of naming) {
      const values = hasHeader(request, header) ? headerValues(request, header) : [];
      if (values.length > 1) return fault(400, `a request has one ${header}`);
      const [callId = "", ...parameters] = (values[0] ?? "").split(";").map((part) => part.trim());
      const tag = (name: string) =>
        parameters.map((written) => written.split("=").map((part) => part.trim())).find(([key]) => key?.toLowerCase() === name)?.[1];
      const known = values.length === 0 ? [] : this.#activeCalls.ofCall(callId, now);
      const named = dialogName({ callId, fromTag: tag(own), toTag: tag(other) });
      if (known.length > 0 && !known.some(({ name }) => name === named || name === callOf(name))) return noSuchDialog;
    }
    return undefined;
  }

  /** Refuses a request that claims to be within an unanswered call of the user. */
  refuseWithoutRoute(callId: string): Fault | undefined {
    return this.#isCalling(callId) ? withoutRoute : undefined;
  }

  /** Where the other end of a call is. The Route may be of another server with the same keys, which the call has come by. */
  #otherEnd({ far, route, callId, localTag }: CallDetails): HomeName | undefined {
    if (far !== undefined) return far.home;
    const opened = openRoute(this.#room.keyring, route, callId);
    const ends = opened === undefined ? undefined : endsOf(opened, localTag);
    return ends?.sender.home === this.#room.home.name ? ends.receiver.home : undefined;
  }

  /** Whether the user waits for the answer to a call. */
  #isCalling(callId: string): boolean {
    const pending = this.#room.sockets.all().flatMap(({ pendingInvites }) => pendingInvites);
    if (pending.length === 0) return false;
    const name = callName(callId);
    return pending.some((one) => one.name === name);
  }
}

function isOfServer(home: HomeName): boolean {
  return isHopName(home) || (isNonSubscriberHome(home) && !isGuestHome(home));
}

const notOfCall: Fault = fault(481, "this is not the other end of the call");
/** The answer may be on its way by another home. */
const notAnswered: Fault = fault(500, "the call is not answered yet", [["Retry-After", "1"]]);
const noSuchDialog: Fault = fault(481, "the call has no such dialog");
