import { type TokenLimits, hasOwnScope, refuseScope, refuseTarget } from "../../lib/authentication/token-limits.ts";
import { type Address, addressOf } from "../../lib/location/address.ts";
import type { RoutingDecision } from "../../lib/proxy/validate-and-route.ts";
import { isHopName, isUserHome } from "../../lib/routing/hop-name.ts";
import { type Fault, fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { type SipUri, dialledNumber, parseUri } from "../../lib/syntax/uri.ts";
import { parameter } from "../../lib/syntax/parameters.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { available } from "../../platform/directory/available.ts";
import { numberAtTheBeginning, referredTo } from "../shared/trunk-destinations.ts";
import type { PresentDialogs } from "./present-dialogs.ts";
import { type Room, readHome } from "./room.ts";
import type { TimedCalls } from "./timed-calls.ts";
import { endOf } from "./tokens.ts";

type WithinDialog = RoutingDecision & { readonly kind: "dialog" };

/** No target has an empty name. */
const nowhere = { user: "", domain: "" };

/** Whether a port or `maddr` names another server than that of the domain, for which a target of a token stands. */
function leadsElsewhere({ host, port, parameters }: SipUri, domain: string): boolean {
  return parameter(parameters, "maddr") !== undefined || (port !== undefined && host.toLowerCase() !== domain);
}

/** Refuses an address that the user of a token may not call, as it is written. */
export function refuseUri(limits: TokenLimits, written: string, { keyring, home }: Pick<Room, "keyring" | "home">): Fault | undefined {
  const uri = parseUri(written);
  if (isFault(uri) || uri.kind === "other") return refuseTarget(limits, "INVITE", nowhere);
  if (uri.kind === "sip" && leadsElsewhere(uri, home.domain)) return refuseTarget(limits, "INVITE", nowhere);
  const to = uri.kind === "tel" ? { user: dialledNumber(uri), domain: home.domain } : addressOf(keyring, uri);
  return refuseTarget(limits, "INVITE", to ?? nowhere);
}

/** Whether a phone may name other addresses in a 3xx that this server calls for its user. Their calls are neither counted nor timed. */
export function mayRedirectTo(limits: TokenLimits | undefined, uri: string, room: Pick<Room, "keyring" | "home">): boolean {
  if (limits === undefined) return true;
  if (isCounting(limits)) return false;
  return (refuseScope(limits, "INVITE") ?? refuseUri(limits, uri, room)) === undefined;
}

/** Whether a token counts the calls of its user, or their time. */
export function isCounting({ maximumCalls, maximumSeconds }: TokenLimits): boolean {
  return maximumCalls !== undefined || maximumSeconds !== undefined;
}

/** The call that a transfer over a trunk makes would be neither counted nor timed. */
export const notOverTrunk: Fault = fault(403, "the token of this connection does not transfer calls over this trunk");

function isOverTrunk(way: RoutingDecision): boolean {
  return way.kind === "dialog" && isHopName(way.receiver.home);
}

/** With another status than 481, which ends the dialog at the phone. */
const notKnown = fault(403, "nothing is known of this call any more, and the token of its user has limits");

/** Refuses a call that the user of a token has another one place: of another scope, or after its end. */
export function refuseNewCall({ tokenLimits: limits, authenticated }: Flow, now: number): Fault | undefined {
  if ((authenticated?.byToken?.until ?? Number.POSITIVE_INFINITY) <= now) return fault(403, "the token of this connection has expired");
  return limits === undefined ? undefined : refuseScope(limits, "INVITE");
}

/** What the token of a connection lets its user send. */
export class TokenPolicy {
  readonly #room: Room;
  readonly #timedCalls: Pick<TimedCalls, "isFull">;
  readonly #aliases: () => readonly string[];
  readonly #presentDialogs: Pick<PresentDialogs, "allows">;

  /** @param aliases those of the user */
  constructor(
    room: Room,
    timedCalls: Pick<TimedCalls, "isFull">,
    presentDialogs: Pick<PresentDialogs, "allows">,
    aliases: () => readonly string[],
  ) {
    this.#room = room;
    this.#presentDialogs = presentDialogs;
    this.#aliases = aliases;
    this.#timedCalls = timedCalls;
  }

  /**
   * Refuses a request that the token of its connection does not allow. Within a call that is known nothing is refused but a REFER to an address
   * that is no target. A Route outlives its call: by the Route of another call only what ends or completes one is allowed, the rest as outside of a
   * call.
   * @param isRepeated it is an INVITE that was counted before
   */
  async refuse(
    flow: Flow,
    request: Request,
    mandatory: MandatoryHeaders,
    way: RoutingDecision,
    isRepeated: () => boolean,
  ): Promise<Fault | undefined> {
    const { tokenLimits: limits } = flow;
    const { method } = request;
    if (limits === undefined) return method === "REFER" ? refuseNewCall(flow, Date.now()) : undefined;
    const notReferable = method === "REFER" ? await this.#refuseReferral(flow, limits, request, way) : undefined;
    if (notReferable !== undefined || method === "ACK") return notReferable;
    if (way.kind === "dialog") return this.#refuseWithin(limits, mandatory, way);
    if (way.kind !== "address") return undefined;
    const { address } = way;
    const isOwn = this.#isOwn(address);
    if (method === "PUBLISH" && !isOwn) return fault(403, "the token of this connection is for its user's own presence");
    if (method === "OPTIONS" && isOwn) return undefined;
    const refusal = refuseScope(limits, method) ?? refuseTarget(limits, method, this.#isElsewhere(request.requestUri) ? nowhere : address);
    if (refusal !== undefined || method !== "INVITE" || isRepeated()) return refusal;
    return this.#refuseCall(limits, endOf(flow) ?? 0);
  }

  #isElsewhere(written: string): boolean {
    const uri = parseUri(written);
    return !isFault(uri) && uri.kind === "sip" && leadsElsewhere(uri, this.#room.home.domain);
  }

  /** The user's address of record, or an alias of it. */
  #isOwn({ user, domain }: Pick<Address, "user" | "domain">): boolean {
    const { home } = this.#room;
    return domain === home.domain && (user === home.user || this.#aliases().includes(user));
  }

  /** By the Route of a call that may be over, and perhaps with another To tag. */
  #refuseWithin(limits: TokenLimits, mandatory: MandatoryHeaders, { receiver, isFromCaller }: WithinDialog): Fault | undefined {
    const { method } = mandatory.cseq;
    const to = receiver.home;
    if (hasOwnScope(method)) return refuseScope(limits, method);
    if (this.#presentDialogs.allows(mandatory, { home: to, isFromCaller }, Date.now())) return undefined;
    if (method === "INVITE" && isCounting(limits)) return notKnown;
    const at = isUserHome(to) ? readHome(to, []) : nowhere;
    return refuseScope(limits, method) ?? refuseTarget(limits, method, at);
  }

  /** RFC 3515 §2.4.2: there is one Refer-To; who takes several may call any of them. */
  async #refuseReferral(flow: Flow, limits: TokenLimits, refer: Request, way: RoutingDecision): Promise<Fault | undefined> {
    const to = referredTo(refer);
    const refusal = isFault(to) ? to : refuseNewCall(flow, Date.now());
    if (isFault(to) || refusal !== undefined) return refusal;
    const isUncounted = isCounting(limits) && (isOverTrunk(way) || (await this.#isNumber(to)));
    return isUncounted ? notOverTrunk : refuseUri(limits, to, this.#room);
  }

  /** Whether a URI has a number, which is no user's: a call to it that another user places would be counted nowhere. */
  async #isNumber(to: string): Promise<boolean> {
    if (numberAtTheBeginning(to) === undefined) return false;
    const uri = parseUri(to);
    const address = isFault(uri) || uri.kind !== "sip" ? undefined : addressOf(this.#room.keyring, uri);
    if (address === undefined) return true;
    const found = await available(() => this.#room.directory.find(address.user, address.domain));
    return isFault(found) || found.kind !== "subscriber";
  }

  async #refuseCall({ id, maximumCalls, maximumSeconds }: TokenLimits, until: number): Promise<Fault | undefined> {
    if (maximumSeconds !== undefined && this.#timedCalls.isFull()) return limitReached(403, "this user has too many calls");
    if (maximumCalls === undefined) return undefined;
    const isCounted = await available(() => this.#room.tokenUses.countCall(id, maximumCalls, until));
    if (isFault(isCounted)) return isCounted;
    return isCounted ? undefined : limitReached(403, "the token of this connection has no calls left");
  }
}
