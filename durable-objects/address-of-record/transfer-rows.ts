import { type Bye } from "../../lib/proxy/bye.ts";
import { callName } from "../../lib/proxy/call-name.ts";
import { farEnd } from "../../lib/proxy/hang-up.ts";
import { isSameParty } from "../../lib/routing/hop-name.ts";
import type { ReferTarget } from "../../lib/proxy/refer-target.ts";
import { dialledMark } from "../../lib/proxy/route-token.ts";
import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { decodedText } from "../../lib/syntax/octets.ts";
import { type CallDetails, type Flow, phoneOnFlow } from "../../lib/transport/flow.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { randomText } from "../../platform/crypto/random.ts";
import type { ReturnAddress } from "../../lib/transport/return-address.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import type { Room } from "./room.ts";
import type { ListedCall } from "./third-party-call-rows.ts";
import type { Side, ThirdPartyCall } from "./third-party-requests.ts";
import { ValueRows } from "./value-rows.ts";

type WithinDialog = RoutingDecision & { readonly kind: "dialog" };

/**
 * A transfer that is under way. `user` is the other end of the user's call, at a trunk, in whose place the server is called below; `other`
 * whom it is transferred to. Times in milliseconds.
 */
export interface Transfer extends Pick<ThirdPartyCall, "id" | "target" | "since" | "user" | "offer" | "due"> {
  readonly other: NonNullable<ThirdPartyCall["other"]>;
  /** The dialog with the user's phone, as its other end has it. */
  readonly own: CallDetails;
  /** Of the REFER. */
  readonly cseq: number;
  readonly lines: ReferTarget["lines"];
  /** The user has hung up. */
  readonly hasLeft?: true;
  /** The other one could not be reached: the user's phone gets its call back. */
  readonly isRestoring?: true;
  /** How often the phone's INVITE has crossed the server's, which is therefore asked again (RFC 3261 §14.1). */
  readonly crossed?: number;
}

/** Milliseconds. The trunk's server waits 32 s for the ACK (RFC 3261 §13.3.1.4), which it gets when the other one answers. */
export const patience = { withOther: 25_000, altogether: 31_000 } as const;

const shape = storedShape<Transfer>();

export const transfersTable = {
  transfers: "CREATE TABLE IF NOT EXISTS transfers (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The transfers that are under way. */
export class TransferRows extends ValueRows<Transfer> {
  readonly #room: Room;

  constructor(room: Room) {
    super(room, "transfers", shape);
    this.#room = room;
  }

  /** The dialog of a request, which others may know, and its sender; `isOwn`: the user's phone. */
  find(
    { callId, fromTag, toTag }: MandatoryHeaders,
    sender: ReturnAddress,
  ): { readonly transfer: Transfer; readonly isOwn: boolean } | undefined {
    const { keyring } = this.#room;
    const isOf = (details: CallDetails | undefined) => {
      const end = details === undefined ? undefined : farEnd(keyring, details);
      return end !== undefined && isSameParty(sender.home, end.home);
    };
    for (const transfer of this.all().values()) {
      const { own, user } = transfer;
      if (own.callId !== callId) continue;
      if (fromTag === own.remoteTag && toTag === own.localTag && isOf(own)) return { transfer, isOwn: true };
      if (fromTag === own.localTag && toTag === own.remoteTag && isOf(user.details)) return { transfer, isOwn: false };
    }
    return undefined;
  }

  listed(): readonly ListedCall[] {
    return [...this.all().values()].map(({ own: { callId }, target }) => {
      return { name: callName(callId), callId, remote: target, isAnswered: true };
    });
  }
}

/** RFC 3261 §12.2.1.2: the answer to a re-INVITE may have another Contact. */
export function withTarget(transfer: Transfer, target: string | undefined): Transfer {
  const { user } = transfer;
  if (target === undefined || user.details === undefined) return transfer;
  return { ...transfer, user: { ...user, details: { ...user.details, target: decodedText(target) } } };
}

/**
 * The dialog of a request of the user's phone, on the way of its call: what the request itself says of that counts only if the other end
 * has said it, too.
 */
export function dialogOf(request: Request, mandatory: MandatoryHeaders, way: WithinDialog, known: CallDetails): CallDetails {
  const { requestUri = request.requestUri } = way.alterations;
  const { newTarget, target, routes = [] } = known;
  return {
    callId: mandatory.callId,
    localTag: mandatory.fromTag ?? "",
    remoteTag: mandatory.toTag ?? "",
    local: decodedText(mandatory.from.uri),
    remote: decodedText(mandatory.to.uri),
    target: newTarget !== undefined && dialledMark(requestUri) === dialledMark(newTarget) ? newTarget : target,
    routes,
    far: way.receiver,
    isCaller: way.isFromCaller,
  };
}

/** A transfer of a dialog. @param cseq of the REFER */
export function transferOf(
  flow: Flow,
  home: HomeName,
  { details, cseq }: { readonly details: CallDetails; readonly cseq: number },
  target: ReferTarget,
  now: number,
): Transfer {
  const { localTag, remoteTag, local = "", remote, callId } = details;
  const contact = flow.boundContacts[0]?.contact ?? local;
  const far = { home, phone: phoneOnFlow(flow) };
  return {
    ...{ id: randomText(), target: target.uri, lines: target.lines, since: now, due: now + patience.withOther, cseq },
    user: { callId, tag: localTag, details, transaction: randomText() + randomText() },
    other: { callId: randomText() + randomText(), tag: randomText(), transaction: randomText() + randomText() },
    own: {
      callId,
      localTag: remoteTag,
      remoteTag: localTag,
      local: remote,
      remote: local,
      target: contact,
      far,
      isCaller: !details.isCaller,
    },
  };
}

/** The two ends of the call before: that at the trunk, and the user's phone. */
export function endsOf({ user, own }: Transfer): Pick<ThirdPartyCall, "user"> & { readonly other: NonNullable<ThirdPartyCall["other"]> } {
  return { user, other: { callId: own.callId, tag: own.localTag, transaction: "", details: own } };
}

/** What ends the call of the user and the other end in whose place the server is, as if one of them had hung up. @param sender "other": the user's phone */
export function byeOf({ user, other }: Pick<ThirdPartyCall, Side>, sender: Side): Bye | undefined {
  const [far, own] = [user.details, other?.details];
  if (far === undefined || own === undefined) return undefined;
  const { callId, remoteTag, localTag } = own;
  const dialog = sender === "other" ? { callId, fromTag: remoteTag, toTag: localTag } : { callId, fromTag: localTag, toTag: remoteTag };
  return { dialog, other: far.far?.home ?? "", requestUri: far.target, isOurs: true, isBinding: false };
}
