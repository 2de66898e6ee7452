import { mandatoryHeadersOf, parsed, parsedResponse } from "../../shared/reparse.ts";
import { returnInside } from "../../../lib/transport/return-address.ts";
import type { HomeName } from "../../../lib/transport/identifiers.ts";
import { type Answer, listServer } from "../../../lib/presence/back-end.ts";
import { transactionName } from "../../../lib/proxy/branch.ts";
import { type RoutingDecision, validateAndRoute } from "../../../lib/proxy/validate-and-route.ts";
import { alter } from "../../../lib/syntax/alter.ts";
import { type Fault, fault, isFault } from "../../../lib/syntax/fault.ts";
import { endsHere } from "../../../lib/server/ends-here.ts";
import type { Receipt, RequestEnvelope, SentRequest } from "../../../lib/transport/envelope.ts";
import { Undeliverable } from "../../../platform/outbox.ts";
import type { Room } from "../room.ts";
import type { Account } from "../account.ts";
import { type Target, selectTarget } from "../../shared/target-selection.ts";
import type { Forking } from "../forking.ts";

/** Sends requests of this home itself like those of its user's phones: in the user's name, to the same targets. */
export class BackEndSubscription {
  readonly #room: Room;
  readonly #account: Account;
  readonly #forking: Pick<Forking, "openExternal">;
  readonly #passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>;

  constructor(
    room: Room,
    account: Account,
    forking: Pick<Forking, "openExternal">,
    passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>,
  ) {
    this.#room = room;
    this.#account = account;
    this.#forking = forking;
    this.#passOn = passOn;
  }

  /**
   * Sends a request, whose branch is `branch`.
   * @param id under which a later answer comes
   * @returns its answer; undefined if that comes later
   */
  async send(text: string, branch: string, id: string): Promise<Answer | undefined> {
    const request = parsed(text);
    const { home, keyring, configuration } = this.#room;
    const owner = { home: home.name, ...this.#account.owner() };
    const isOurs = (host: string) => host === configuration.publicHost || host.replace(/:\d+$/, "") === home.domain;
    const way = validateAndRoute(request, mandatoryHeadersOf(request), { keyring, owner, isOurs, endsHere });
    if (isFault(way)) return { status: way.status, response: undefined };
    if (way.kind === "server") return { status: 404, response: undefined };
    const target = await this.#targetOf(request.requestUri, way);
    if (isFault(target)) return { status: target.status, response: undefined };
    const sent: SentRequest = {
      kind: "request",
      text: alter(request, way.alterations),
      answerTo: returnInside(home.name, { kind: "list subscriber", id }, listServer),
      transaction: transactionName(keyring, home.name, branch, listServer),
      identity: `${home.user}@${home.domain}`,
      recordRoute: undefined,
    };
    if (target.kind === "external") return answerOf(this.#forking.openExternal(sent, parsed(sent.text), target, Date.now()));
    const { home: receiver, kind: _kind, ...more } = target;
    return this.#passOn(receiver, { ...sent, ...more }).then(answerOf, (error: unknown) => {
      if (!(error instanceof Undeliverable)) throw error;
      return { status: 503, response: undefined };
    });
  }

  async #targetOf(
    requestUri: string,
    way: Exclude<RoutingDecision, { kind: "server" }>,
  ): Promise<Fault | Exclude<Target, { kind: "redirect" }> | PhoneTarget> {
    if (way.kind === "dialog") return { kind: "phone", home: way.receiver.home, to: { kind: "phone", phone: way.receiver.phone } };
    const { user, domain } = this.#room.home;
    const question = { method: "SUBSCRIBE", requestUri, address: way.address, caller: `${user}@${domain}` };
    const target = await selectTarget(this.#room, question);
    return !isFault(target) && target.kind === "redirect" ? fault(target.status, "the resource is at another address") : target;
  }
}

/** The other end of the subscription's dialog. */
interface PhoneTarget extends Pick<RequestEnvelope, "to"> {
  readonly kind: "phone";
  readonly home: HomeName;
}

/** The answer in a receipt. */
function answerOf(receipt: Receipt): Answer | undefined {
  return receipt.kind === "taken" ? undefined : readAnswer(receipt.status, receipt.text);
}

/** A response from its text. */
export function readAnswer(status: number, text: string): Answer {
  return { status, response: text === "" ? undefined : parsedResponse(text) };
}
