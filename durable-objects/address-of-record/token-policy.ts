import { type TokenLimits, refuseScope, refuseTarget } from "../../lib/authentication/token-limits.ts";
import { addressOf } from "../../lib/location/address.ts";
import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { type Fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import { type Request, headerValue } from "../../lib/syntax/message.ts";
import { parseNameAddress } from "../../lib/syntax/name-address.ts";
import { dialledNumber, parseUri } from "../../lib/syntax/uri.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { available } from "../../platform/directory/available.ts";
import type { Room } from "./room.ts";
import type { TimedCalls } from "./timed-calls.ts";
import { endOf } from "./tokens.ts";

/** What the token of a connection lets its user send. */
export class TokenPolicy {
  readonly #room: Room;
  readonly #timedCalls: Pick<TimedCalls, "isFull">;

  constructor(room: Room, timedCalls: Pick<TimedCalls, "isFull">) {
    this.#room = room;
    this.#timedCalls = timedCalls;
  }

  /**
   * Refuses a request that the token of its connection does not allow. Within a call nothing is refused but a REFER to an address that is no
   * target: our Route proves that it belongs to the call.
   * @param isRepeated it is an INVITE that was counted before
   */
  async refuse(flow: Flow, request: Request, way: RoutingDecision, isRepeated: () => boolean): Promise<Fault | undefined> {
    const { tokenLimits: limits } = flow;
    const { method } = request;
    if (limits !== undefined && way.kind === "dialog" && method === "REFER") return this.#refuseReferral(limits, request);
    if (limits === undefined || way.kind !== "address" || method === "ACK") return undefined;
    const refusal = refuseScope(limits, method) ?? refuseTarget(limits, method, way.address);
    if (refusal !== undefined || method !== "INVITE" || isRepeated()) return refusal;
    return this.#refuseCall(limits, endOf(flow) ?? 0);
  }

  #refuseReferral(limits: TokenLimits, refer: Request): Fault | undefined {
    const { keyring, home } = this.#room;
    const named = parseNameAddress(headerValue(refer, "refer-to") ?? "");
    const uri = isFault(named) ? named : parseUri(named.uri);
    // No target has an empty name.
    const nowhere = { user: "", domain: "" };
    if (isFault(uri) || uri.kind === "other") return refuseTarget(limits, "REFER", nowhere);
    const to = uri.kind === "tel" ? { user: dialledNumber(uri), domain: home.domain } : addressOf(keyring, uri);
    return refuseTarget(limits, "REFER", to ?? nowhere);
  }

  async #refuseCall({ id, maximumCalls, maximumSeconds }: TokenLimits, until: number): Promise<Fault | undefined> {
    if (maximumSeconds !== undefined && this.#timedCalls.isFull()) return limitReached(403, "this user has too many calls");
    if (maximumCalls === undefined) return undefined;
    const isCounted = await available(() => this.#room.tokenUses.countCall(id, maximumCalls, until));
    if (isFault(isCounted)) return isCounted;
    return isCounted ? undefined : limitReached(403, "the token of this connection has no calls left");
  }
}
