import { type Owner, type RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { admitsGuests } from "../../lib/location/domain-settings.ts";
import { standingOf } from "../../lib/proxy/standing.ts";
import {
  anonymous,
  refuseSender,
  refuseNonSubscriber,
  refuseNonSubscriberInDialog,
  senderOf,
} from "../../lib/proxy/non-subscriber-requests.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { type NonSubscriber, addressOfGuest, invites, networkOfGuest } from "../../lib/transport/non-subscriber.ts";
import { userToUserValue } from "../../lib/proxy/user-to-user.ts";
import type { Alterations } from "../../lib/syntax/alter.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";
import type { Room } from "./room.ts";
import type { Answer } from "../../platform/directory/directory.ts";
import { available } from "../../platform/directory/available.ts";

/** The number of the user's present calls: ringing here, placed and not answered yet, in progress. */
export type CallsAtPresent = (now: number) => number;

/** Simultaneous calls of a guest. */
const callsOfGuest = 2;
/** Names that a guest may have looked up in D1: at once, and in a second after that. */
const questions = [30, 0.1] as const;

/** What guests and peers may send. */
export class NonSubscriberPolicy {
  readonly #room: Room;
  readonly #callsAtPresent: CallsAtPresent;
  readonly #questions = new TokenBucket(...questions);

  constructor(room: Room, callsAtPresent: CallsAtPresent) {
    this.#room = room;
    this.#callsAtPresent = callsAtPresent;
  }

  /** Its From is checked by `refuse`, not against the owner. */
  owner(nonSubscriber: NonSubscriber): Owner {
    const { name: home, user, domain } = this.#room.home;
    return { home, user, domain, aliases: [], isTrusted: true, standing: standingOf(nonSubscriber) };
  }

  /** Refuses what a guest or peer may not send; undefined if it may, and for a subscriber. */
  async refuse(
    { nonSubscriber, host: reached }: Pick<Flow, "nonSubscriber" | "host">,
    request: Request,
    mandatory: MandatoryHeaders,
    way: RoutingDecision,
    now: number,
  ): Promise<Fault | undefined> {
    if (nonSubscriber === undefined || way.kind === "server") return undefined;
    const notWithin = way.kind === "dialog" ? refuseNonSubscriberInDialog(nonSubscriber, request) : undefined;
    if (notWithin !== undefined || (way.kind === "dialog" && way.hasOwnRouteToken)) return notWithin;
    const sender = senderOf(mandatory);
    if (isFault(sender)) return sender;
    if (nonSubscriber.kind === "guest" && !this.#mayAsk([sender, way.kind === "address" ? way.address : undefined], now))
      return limitReached(480, "too many names were looked up", [["Retry-After", "60"]]);
    const { directory, configuration } = this.#room;
    return available(async () => {
      const named = sender === undefined ? undefined : await directory.find(sender.user, sender.domain);
      const isServer = sender !== undefined && [reached.replace(/:\d+$/, ""), configuration.publicHost].includes(sender.domain);
      const isOurs = isServer || (named !== undefined && named.kind !== "foreign");
      if (way.kind === "dialog") return refuseSender(nonSubscriber, sender, isOurs);
      const { address: to } = way;
      const refusal = refuseNonSubscriber(nonSubscriber, request.method, sender, to, isOurs);
      if (refusal !== undefined || nonSubscriber.kind === "peer") return refusal;
      const host = await directory.find(to.user, to.domain);
      const username = host.kind === "subscriber" ? host.subscriber.username : undefined;
      if (host.kind !== "subscriber" || !isInvited(nonSubscriber, host, now)) return fault(403, "guests may not call this user");
      if (request.method === "INVITE" && this.#callsAtPresent(now) >= callsOfGuest) return limitReached(403, "a guest has too many calls");
      const isWithin = await this.#isWithinRates(request.method, `${username}@${host.subscriber.domain}`);
      return isWithin ? undefined : limitReached(480, "guests call or write too often", [["Retry-After", "60"]]);
    });
  }

  /** What the called phone is told of a guest by the application that has made the token. */
  toldOf({ nonSubscriber }: Flow, method: string, way: RoutingDecision): Pick<Alterations, "append"> | undefined {
    const { userToUser } = nonSubscriber?.invitation ?? {};
    if (userToUser === undefined || method !== "INVITE" || way.kind !== "address") return undefined;
    return { append: [["User-to-User", userToUserValue(userToUser)]] };
  }

  /** Whether names may be looked up that only D1 may know. */
  #mayAsk(names: readonly ({ readonly user: string; readonly domain: string } | undefined)[], now: number): boolean {
    const { directory } = this.#room;
    return names.every((name) => name === undefined || directory.knows(name.user, name.domain) || this.#questions.take(now));
  }

  #isWithinRates(method: string, user: string): Promise<boolean> {
    const { home, guestRates } = this.#room;
    const { name } = home;
    return guestRates.mayPass(method, { address: addressOfGuest(name) ?? name, network: networkOfGuest(name) ?? name }, user);
  }
}

/** A guest with a token may call only the users of the token; others may call those whom the domain says. */
function isInvited({ invitation }: NonSubscriber, { subscriber, settings }: Answer & { kind: "subscriber" }, now: number): boolean {
  if (invitation === undefined) return admitsGuests(settings, subscriber.username);
  return now < invitation.until && invites(invitation, subscriber);
}

/** The identity of a guest or peer whose From was accepted. */
export function identityOf({ kind }: NonSubscriber, mandatory: MandatoryHeaders): string {
  const sender = senderOf(mandatory);
  return kind === "guest" || sender === undefined || isFault(sender) ? anonymous : `${sender.user}@${sender.domain}`;
}
