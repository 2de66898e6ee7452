import { type Bye, isPlainBye } from "../../lib/proxy/bye.ts";
import type { DialogIds } from "../../lib/proxy/call-name.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { returnToPhone } from "../../lib/transport/return-address.ts";
import { transactionNames } from "../../lib/proxy/branch.ts";
import { type RoutingDecision, validateAndRoute } from "../../lib/proxy/validate-and-route.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, isFault } from "../../lib/syntax/fault.ts";
import { type Request, headerValue } from "../../lib/syntax/message.ts";
import { endsHere } from "../../lib/server/ends-here.ts";
import type { SentRequest } from "../../lib/transport/envelope.ts";
import { type Flow, phoneOnFlow } from "../../lib/transport/flow.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { Room } from "./room.ts";
import type { Account } from "./account.ts";
import type { PendingInvites } from "./pending-invites.ts";
import { mandatoryHeadersOf } from "../shared/reparse.ts";
import { type TargetQuestion, decideTarget } from "../shared/target-selection.ts";
import { NonSubscriberPolicy, identityOf } from "./non-subscriber-policy.ts";

/** Refused INVITEs that are remembered. */
const maxRefused = 100;

/** How a request of this home's user, guest or peer is read, named, and written for the next home. */
export class OriginatingRequests {
  readonly #room: Room;
  readonly #account: Account;
  readonly #pendingInvites: PendingInvites;
  readonly #policy: NonSubscriberPolicy;

  /** The newest INVITEs within dialogs that were refused here, by their transactions. In memory only: the ACK comes at once. */
  #refused: readonly string[] = [];

  constructor(room: Room, account: Account, pendingInvites: PendingInvites, policy: NonSubscriberPolicy) {
    this.#room = room;
    this.#account = account;
    this.#pendingInvites = pendingInvites;
    this.#policy = policy;
  }

  /** This server has refused a request. If that was an INVITE within a dialog, the ACK has the Route of the dialog. */
  refused(request: Request): void {
    const mandatory = mandatoryHeadersOf(request);
    if (request.method !== "INVITE" || mandatory.toTag === undefined) return;
    const [name = ""] = this.transactionsOf(mandatory);
    this.#refused = [...this.#refused.filter((one) => one !== name), name].slice(-maxRefused);
  }

  /** RFC 3261 §17.1.1.3: the ACK for a refusal ends where that was made; it has the branch of its INVITE. One for a 2xx has another. */
  acknowledgesRefusal({ method }: Request, mandatory: MandatoryHeaders): boolean {
    return method === "ACK" && this.#refused.length > 0 && this.transactionsOf(mandatory).some((name) => this.#refused.includes(name));
  }

  /** Validates a request, and decides where it goes (RFC 3261 §16.3, §16.4). */
  route(flow: Flow, request: Request, mandatory: MandatoryHeaders): RoutingDecision | Fault {
    return validateAndRoute(request, mandatory, {
      keyring: this.#room.keyring,
      owner:
        flow.nonSubscriber === undefined
          ? { home: this.#room.home.name, ...this.#account.owner() }
          : this.#policy.owner(flow.nonSubscriber),
      isOurs: (host) => this.#isOurs(host, flow),
      endsHere,
    });
  }

  #isOurs(host: string, flow: Flow): boolean {
    return (
      host === flow.host.toLowerCase() ||
      host === this.#room.configuration.publicHost ||
      host.replace(/:\d+$/, "") === this.#room.home.domain
    );
  }

  /** The request as the next home gets it, besides its target. */
  sent(flow: Flow, mandatory: MandatoryHeaders, more: Pick<SentRequest, "text" | "recordRoute" | "breadth" | "at">): SentRequest {
    const { user, domain, name: home } = this.#room.home;
    return {
      kind: "request",
      answerTo: returnToPhone(home, flow.id, phoneOnFlow(flow)),
      transaction: this.transactionOf(mandatory),
      identity: flow.nonSubscriber === undefined ? `${user}@${domain}` : identityOf(flow.nonSubscriber, mandatory),
      ...more,
    };
  }

  /** What target selection has to know of a request. */
  question(flow: Flow, method: string, request: Request, { address, isLast }: RoutingDecision & { kind: "address" }): TargetQuestion {
    const { user, domain } = this.#room.home;
    return {
      method,
      requestUri: request.requestUri,
      address,
      caller: `${user}@${domain}`,
      isNonSubscriber: flow.nonSubscriber !== undefined,
      isLast: isLast === true,
      callId: method === "INVITE" ? headerValue(request, "call-id") : undefined,
    };
  }

  /** The home of the called user, by the Request-URI that an INVITE shares with its CANCEL (RFC 3261 §9.1). */
  async homeOfInvite(flow: Flow, cancel: Request, mandatory: MandatoryHeaders): Promise<HomeName | undefined> {
    const way = this.route(flow, cancel, mandatory);
    if (isFault(way) || way.kind !== "address") return undefined;
    const target = await decideTarget(this.#room, this.question(flow, "INVITE", cancel, way));
    return !isFault(target) && target.kind === "home" ? target.home : undefined;
  }

  /** Whether it is an INVITE that waits for its final response, and has arrived again. */
  isPending(mandatory: MandatoryHeaders): boolean {
    return this.#pendingInvites.homeOf(this.transactionOf(mandatory)) !== undefined;
  }

  /** The name of a pending INVITE, if it is one: it may be from before a key change. */
  transactionOf(mandatory: MandatoryHeaders): string {
    const names = this.transactionsOf(mandatory);
    return names.find((name) => this.#pendingInvites.homeOf(name) !== undefined) ?? (names[0] as string);
  }

  /** The names that it may have: one for each key. */
  transactionsOf(mandatory: MandatoryHeaders): readonly string[] {
    const { branch, sentBy } = mandatory.via;
    return transactionNames(this.#room.keyring, this.#room.home.name, branch ?? `${mandatory.callId} ${mandatory.cseq.number}`, sentBy);
  }
}

/**
 * The BYE that a user of this home has sent. A server of another domain has no reason to keep a call that its end has left, so its refusal
 * counts, whatever the BYE is like.
 */
export function sentBye(request: Request, dialog: DialogIds, { receiver, alterations }: RoutingDecision & { kind: "dialog" }): Bye {
  const isBinding = !isHopName(receiver.home) && isPlainBye(request, 1);
  return { dialog, other: receiver.home, requestUri: alterations.requestUri ?? request.requestUri, isOurs: true, isBinding };
}
