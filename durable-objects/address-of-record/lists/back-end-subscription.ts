import { type Answer, listServer } from "../../../lib/presence/back-end.ts";
import { transactionName } from "../../../lib/proxy/branch.ts";
import { type RoutingDecision, validateAndRoute } from "../../../lib/proxy/validate-and-route.ts";
import { alter } from "../../../lib/syntax/alter.ts";
import { type Fault, fault, isFault } from "../../../lib/syntax/fault.ts";
import { parseMessage } from "../../../lib/syntax/message.ts";
import { endsHere } from "../../../lib/server/ends-here.ts";
import type { Destination, Receipt, RequestEnvelope } from "../../../lib/transport/envelope.ts";
import { Undeliverable } from "../../../platform/outbox.ts";
import type { Room } from "../room.ts";
import type { Account } from "../account.ts";
import { mandatoryHeadersOf, parsed } from "../../shared/reparse.ts";
import { homeOf, leavingTo, placeOf } from "../../shared/target-selection.ts";

type Placed = Pick<RequestEnvelope, "to" | "calleeSubscriber" | "redirects"> & { readonly home: string };

/** Sends requests of this home itself just as it would send those of its user's phones: in his name, to wherever they would go. */
export class BackEndSubscription {
  readonly #room: Room;
  readonly #account: Account;
  readonly #passOn: (home: string, envelope: RequestEnvelope) => Promise<Receipt>;

  constructor(room: Room, account: Account, passOn: (home: string, envelope: RequestEnvelope) => Promise<Receipt>) {
    this.#room = room;
    this.#account = account;
    this.#passOn = passOn;
  }

  /**
   * Sends a request, whose branch is `branch`.
   * @param returns the branch of the return address, under which a later answer comes
   * @returns its answer; undefined if that comes later
   */
  async send(text: string, branch: string, returns: string): Promise<Answer | undefined> {
    const request = parsed(text);
    const { home, keyring, configuration } = this.#room;
    const owner = { home: home.name, ...this.#account.owner() };
    const isOurs = (host: string) => host === configuration.publicHost || host.replace(/:\d+$/, "") === home.domain;
    const way = validateAndRoute(request, mandatoryHeadersOf(request), { keyring, owner, isOurs, endsHere });
    if (isFault(way)) return { status: way.status, response: undefined };
    if (way.kind === "server") return { status: 404, response: undefined };
    const placed = await this.#placed(request.requestUri, way);
    if (isFault(placed)) return { status: placed.status, response: undefined };
    const { home: receiver, ...more } = placed;
    const envelope: RequestEnvelope = {
      kind: "request",
      text: alter(request, way.alterations),
      answerTo: { home: home.name, flow: "", phone: listServer, branch: returns },
      transaction: transactionName(keyring, home.name, branch, listServer),
      identity: `${home.user}@${home.domain}`,
      recordRoute: undefined,
      ...more,
    };
    return this.#passOn(receiver, envelope).then(answerOf, (error: unknown) => {
      if (!(error instanceof Undeliverable)) throw error;
      return { status: 503, response: undefined };
    });
  }

  async #placed(requestUri: string, way: Exclude<RoutingDecision, { kind: "server" }>): Promise<Placed | Fault> {
    if (way.kind === "dialog") return { home: way.receiver.home, to: { kind: "phone", phone: way.receiver.phone } };
    const own = this.#room.home.name;
    const routed = await placeOf(this.#room, "SUBSCRIBE", requestUri, way.address);
    if (isFault(routed)) return routed;
    if (routed.kind === "redirect") return fault(routed.status, "he is somewhere else");
    if (routed.kind === "external") return { home: own, to: routed };
    const found = await homeOf(this.#room, routed.address);
    if (isFault(found)) {
      const external = await leavingTo(this.#room, requestUri, routed.address, found);
      return isFault(external) ? external : { home: own, to: external };
    }
    const { home, calleeSubscriber, redirects } = found;
    const { instance, registration } = routed.address;
    const to: Destination = { kind: "address", instance, registration };
    return { home, to, ...(calleeSubscriber === undefined ? {} : { calleeSubscriber }), ...(redirects ? { redirects } : {}) };
  }
}

/** What came back at once. */
function answerOf(receipt: Receipt): Answer | undefined {
  return receipt.kind === "taken" ? undefined : readAnswer(receipt.status, receipt.text);
}

/** A response as the text it is. */
export function readAnswer(status: number, text: string): Answer {
  const response = parseMessage(text);
  return { status, response: isFault(response) ? undefined : response };
}
