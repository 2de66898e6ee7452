import { refreshesTarget, targetIn } from "../../lib/proxy/bye.ts";
import { callName } from "../../lib/proxy/call-name.ts";
import { farEnd } from "../../lib/proxy/hang-up.ts";
import { isSameParty } from "../../lib/routing/hop-name.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { decodedText } from "../../lib/syntax/octets.ts";
import type { CallDetails } from "../../lib/transport/flow.ts";
import type { ReturnAddress } from "../../lib/transport/return-address.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import type { Room } from "./room.ts";
import type { Side, ThirdPartyCall } from "./third-party-requests.ts";
import { ValueRows } from "./value-rows.ts";

const shape = storedShape<ThirdPartyCall>();

export const thirdPartyCallsTable = {
  third_party_calls: "CREATE TABLE IF NOT EXISTS third_party_calls (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of calls that the server has set up. */
export class ThirdPartyCallRows extends ValueRows<ThirdPartyCall> {
  readonly #room: Room;

  constructor(room: Room) {
    super(room, "third_party_calls", shape);
    this.#room = room;
  }

  /** Those that are not ending. */
  listed(): readonly ListedCall[] {
    const present = [...this.all().values()].filter(({ ending }) => ending === undefined);
    return present.map(({ user: { callId, details }, target }) => {
      return { name: callName(callId), callId, remote: target, isAnswered: details !== undefined };
    });
  }

  /** Those that were transferred, or were to be. */
  adopted(): readonly ThirdPartyCall[] {
    return [...this.all().values()].filter((call) => call.offsets !== undefined && call.ending === undefined);
  }

  /** Those of them that no connection of a phone of this home counts. @param isCounted whether one counts a call, by its Call-ID */
  uncounted(isCounted: (callId: string) => boolean): number {
    const isKnown = ({ other, isTransferred }: ThirdPartyCall) => isTransferred === true && other !== undefined && isCounted(other.callId);
    return this.adopted().filter((call) => !isKnown(call)).length;
  }

  /** Whether a call has come back to the user after its transfer had failed: no connection of a phone knows it. */
  isRestored(callId: string): boolean {
    return [...this.all().values()].some((call) => call.refer !== undefined && call.isTransferred !== true && call.user.callId === callId);
  }

  /** Whether a dialog is one with the other one of a call. */
  hasOther({ callId, remoteTag }: CallDetails): boolean {
    return [...this.all().values()].some(({ other }) => other?.callId === callId && other.details?.remoteTag === remoteTag);
  }

  /** Whether a request is of a dialog of one of these calls. An ACK may be for an INVITE before the phone's REFER: that is not of the server. */
  takes(mandatory: MandatoryHeaders, sender: ReturnAddress): boolean {
    if (this.all().size === 0) return false;
    const { cseq } = mandatory;
    const found = this.find(mandatory, sender);
    if (found === undefined) return cseq.method !== "ACK" && this.wasOf(mandatory, sender) !== undefined;
    const { call, side } = found;
    return cseq.method !== "ACK" || side === "user" || call.isTransferred === true || cseq.number > (call.refer ?? 0);
  }

  /** The dialog of a request: by its Call-ID and both tags, which others may know, and by its sender. */
  find(
    { callId, fromTag, toTag }: MandatoryHeaders,
    sender: ReturnAddress,
  ): { readonly call: ThirdPartyCall; readonly side: Side } | undefined {
    for (const call of this.all().values())
      for (const side of ["user", "other"] as const) {
        const { callId: own, tag, details } = call[side] ?? {};
        if (own !== callId || tag !== toTag || details === undefined || details.remoteTag !== fromTag) continue;
        const end = farEnd(this.#room.keyring, details);
        if (end !== undefined && isSameParty(sender.home, end.home)) return { call, side };
      }
    return undefined;
  }

  /** The call that the sender of a request has transferred. */
  wasOf({ callId, fromTag, toTag }: MandatoryHeaders, sender: ReturnAddress): ThirdPartyCall | undefined {
    if (sender.home !== this.#room.home.name) return undefined;
    return [...this.all().values()].find(
      ({ user, isTransferred }) =>
        isTransferred === true && user.callId === callId && user.tag === fromTag && user.details?.remoteTag === toTag,
    );
  }

  /** RFC 3261 §12.2.2, RFC 3311 §5.2: an INVITE or UPDATE may have another Contact. */
  retargeted(call: ThirdPartyCall, side: Side, message: Request): void {
    const target = refreshesTarget(message.method) ? targetIn(message) : undefined;
    const own = call[side];
    if (target === undefined || own?.details === undefined || own.details.target === decodedText(target)) return;
    this.keep({ ...call, [side]: { ...own, details: { ...own.details, target: decodedText(target) } } });
  }
}

/** A call for administrators. */
export interface ListedCall {
  readonly name: string;
  readonly callId: string;
  readonly remote: string;
  readonly isAnswered: boolean;
}
