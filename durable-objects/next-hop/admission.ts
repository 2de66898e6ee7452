import { negotiates } from "../../lib/media/exchange.ts";
import { inProgress, withoutRoute } from "../../lib/proxy/call-name.ts";
import { makesDialogs } from "../../lib/proxy/outgoing-request.ts";
import { type Trunk, allInUse, tooManyASecond, tooManyMinutes } from "../../lib/routing/trunk.ts";
import { type Fault, fault } from "../../lib/syntax/fault.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request as SipRequest } from "../../lib/syntax/message.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";
import { type ActiveCalls, isFull } from "./active-calls.ts";
import type { CallMinutes } from "./call-minutes.ts";
import { CallRate } from "./call-rate.ts";
import type { Connection } from "./connection.ts";
import type { HopConnection } from "./hop-connection.ts";
import { defaultRetryAfter } from "../../platform/unavailable-servers.ts";
import { chargeable, noSuchCall, numberAt, refuseOverTrunk } from "./within-calls.ts";
import { callerOf, senderOf } from "./sender.ts";

interface AdmissionSurroundings {
  /** The other server. */
  readonly host: string;
  readonly calls: ActiveCalls;
  readonly minutes: CallMinutes;
  readonly connection: HopConnection;
  trunk(): Promise<Trunk | undefined>;
  /** Whether the other server has failed its last check. */
  isUnavailable(): boolean;
}

/** Which requests of homes may go to the other server: the limits of its trunk, and whose a call is. */
export class Admission {
  readonly #around: AdmissionSurroundings;
  readonly #rate = new CallRate();

  constructor(around: AdmissionSurroundings) {
    this.#around = around;
  }

  /** The connection that a request may be sent on. @param came milliseconds: when the request came, together with others */
  async openFor(envelope: RequestEnvelope, request: SipRequest, mandatory: MandatoryHeaders, came: number): Promise<Connection | Fault> {
    const refusal = await this.#refusalOf(envelope, request, mandatory);
    if (refusal !== undefined) return refusal;
    const connection = await this.#around.connection.open(came);
    if (connection?.hasRoom(callerOf(envelope), request.text.length) === true) return connection;
    const problem = connection === undefined ? "cannot be reached" : "does not read what is sent";
    return fault(failed(mandatory), `${this.#around.host} ${problem}`, [["Retry-After", String(defaultRetryAfter)]]);
  }

  /** Only requests that begin something new are refused; a call that is not counts from now on. */
  async #refusalOf(envelope: RequestEnvelope, request: SipRequest, mandatory: MandatoryHeaders): Promise<Fault | undefined> {
    const { toTag, callId } = mandatory;
    // Within a call the request has our route, which names this end.
    const isOfOther = envelope.to.kind !== "phone" && this.#around.calls.isOfOther(callId, callerOf(envelope));
    if (isOfOther && toTag !== undefined) return withoutRoute;
    if (isOfOther && (makesDialogs(request.method) || negotiates(request.method))) return inProgress;
    if (request.method === "ACK") return undefined;
    if (toTag !== undefined) return this.#refusalWithin(envelope, request, mandatory);
    // Another call of the same user would not be counted.
    if (this.#around.calls.has(callId))
      return request.method !== "INVITE" || this.#around.calls.isForkOf(mandatory, senderOf(envelope)) ? undefined : inProgress;
    const trunk = await this.#around.trunk();
    if (trunk === undefined) return undefined;
    if (this.#around.isUnavailable())
      return fault(503, `${this.#around.host} has failed its last check`, [["Retry-After", String(trunk.options_interval)]]);
    if (request.method !== "INVITE") return undefined;
    return this.#refusalOfCall(trunk, envelope, request, mandatory, true);
  }

  /** One that an unknown call needs begins a new one, for all that is known here. */
  async #refusalWithin(envelope: RequestEnvelope, request: SipRequest, mandatory: MandatoryHeaders): Promise<Fault | undefined> {
    if (negotiates(request.method) && this.#around.calls.isForeign(mandatory)) return noSuchCall;
    const trunk = chargeable.includes(request.method) ? await this.#around.trunk() : undefined;
    if (trunk === undefined) return undefined;
    const dialog = this.#around.calls.dialogOf(mandatory);
    const refusal = refuseOverTrunk(trunk, envelope, request, dialog);
    if (refusal !== undefined || dialog.kind !== "unknown" || request.method !== "INVITE") return refusal;
    return this.#refusalOfCall(trunk, envelope, request, mandatory, envelope.within?.isFromCaller === true);
  }

  async #refusalOfCall(
    trunk: Trunk,
    envelope: RequestEnvelope,
    request: SipRequest,
    mandatory: MandatoryHeaders,
    isToTrunk: boolean,
  ): Promise<Fault | undefined> {
    if (isFull(trunk, this.#around.calls)) return fault(503, allInUse.fault);
    if (!this.#rate.take(trunk, Date.now())) return fault(503, tooManyASecond.fault);
    // Before anything is waited for, so that calls at the same moment count.
    const sender = { ...senderOf(envelope), ...(isToTrunk ? { isToTrunk } : {}), dialled: numberAt(trunk, request.requestUri) };
    this.#around.calls.reserve(mandatory, sender, Date.now());
    const { minutes, calls } = this.#around;
    const areNoneLeft = isToTrunk && (await minutes.areUsedUp(trunk, calls.talking(Date.now()), Date.now()));
    return areNoneLeft ? fault(503, tooManyMinutes.fault) : undefined;
  }
}

/**
 * A 503 makes the sender's home try the next server (RFC 3263 §4.3). Within a dialog there is none, and a phone would read a 503 as the
 * failure of this whole server: it is 500 (RFC 3261 §16.7 step 6).
 */
export function failed({ toTag }: MandatoryHeaders): 500 | 503 {
  return toTag === undefined ? 503 : 500;
}
