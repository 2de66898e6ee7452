import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { isHopName, readHopName } from "../../lib/routing/hop-name.ts";
import { type Fault, isFault } from "../../lib/syntax/fault.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { available } from "../../platform/directory/available.ts";
import { answered, refused } from "../shared/reply.ts";
import { parsed } from "../shared/reparse.ts";
import type { LocalUserAgent } from "./local-user-agent.ts";
import type { Room } from "./room.ts";
import { isCounting, notOverTrunk, refuseNewCall } from "./token-policy.ts";
import type { TransferredCalls } from "./transferred-calls.ts";

type WithinDialog = RoutingDecision & { readonly kind: "dialog" };

/** Requests of the user's phones within dialogs that this home has taken over, or is asked to take over by a REFER. */
export class TakenOverDialogs {
  readonly #room: Room;
  readonly #agents: readonly LocalUserAgent[];
  readonly #transfers: TransferredCalls;

  constructor(room: Room, agents: readonly LocalUserAgent[], transfers: TransferredCalls) {
    this.#room = room;
    this.#agents = agents;
    this.#transfers = transfers;
  }

  /** Undefined if the dialog is the phone's own. */
  receive({ tokenLimits }: Flow, envelope: RequestEnvelope, mandatory: MandatoryHeaders, now: number): Receipt | undefined {
    const agent = this.#agents.find((one) => one.takes?.(mandatory, envelope.answerTo) === true);
    if (agent === undefined) return undefined;
    const request = parsed(envelope.text);
    if (request.method === "REFER" && tokenLimits !== undefined && isCounting(tokenLimits)) return refused(request, notOverTrunk);
    return agent.inDialog(envelope, request, mandatory, now);
  }

  /** A REFER within a call; undefined if the other end gets it, since it is at no trunk or at one whose server handles it. */
  async refer(flow: Flow, request: Request, mandatory: MandatoryHeaders, way: WithinDialog, now: number): Promise<Receipt | undefined> {
    if (!isHopName(way.receiver.home) || flow.nonSubscriber !== undefined) return undefined;
    const { trunk: owner } = readHopName(way.receiver.home);
    const at = owner.lastIndexOf("@");
    const trunks = at < 0 ? [] : await available(() => this.#room.directory.trunks(owner.slice(at + 1)));
    if (isFault(trunks)) return refused(request, trunks);
    if (trunks.find(({ name }) => name === owner.slice(0, at))?.refer !== "handle") return undefined;
    const forbidden = refuseByToken(flow, now);
    if (forbidden !== undefined) return refused(request, forbidden);
    const refusal = await this.#transfers.refer(flow, request, mandatory, way, now);
    return refusal === undefined ? answered(request, 202) : refused(request, refusal);
  }
}

function refuseByToken(flow: Flow, now: number): Fault | undefined {
  const { tokenLimits: limits } = flow;
  return refuseNewCall(flow, now) ?? (limits !== undefined && isCounting(limits) ? notOverTrunk : undefined);
}
