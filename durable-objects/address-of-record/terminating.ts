import { hasLooped } from "../../lib/proxy/loop-detection.ts";
import { isFromPhone, isInReceipt } from "../../lib/transport/return-address.ts";
import type { PhoneId } from "../../lib/transport/identifiers.ts";
import { isHomeOfUser, isHopName, isUserHome } from "../../lib/routing/hop-name.ts";
import type { Branch } from "../../lib/proxy/branch.ts";
import { inProgress, withoutRoute } from "../../lib/proxy/call-name.ts";
import { type Forwarder, makesDialogs } from "../../lib/proxy/outgoing-request.ts";
import { noSubscription } from "../../lib/proxy/within.ts";
import { refuseBlocked, refuseUnverified } from "../../lib/proxy/block-list.ts";
import { challengesWithin, withoutAnswers } from "../../lib/proxy/foreign-challenges.ts";
import { standingOf, takenFrom, takenFromElsewhere } from "../../lib/proxy/standing.ts";
import { preferTargets } from "../../lib/proxy/caller-preferences.ts";
import { determineTargetsOfSearch } from "../../lib/proxy/response-context/determine-targets.ts";
import type { ReachableTarget } from "../../lib/proxy/response-context/context.ts";
import { targetSet } from "../../lib/proxy/response-context/target-set.ts";
import { readRequestDisposition } from "../../lib/proxy/request-disposition.ts";
import { isTrunkIdentity } from "../../lib/routing/trunk.ts";
import { redirectTo } from "../../lib/redirect/redirection.ts";
import { type Alterations, alter, combined } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault } from "../../lib/syntax/fault.ts";
import { type Request, type Response, hasHeader } from "../../lib/syntax/message.ts";
import type { Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import { accepted } from "../../lib/transport/envelope.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { isGuestHome, isNonSubscriberHome, nonSubscriberPhone } from "../../lib/transport/non-subscriber.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answered, refused } from "../shared/reply.ts";
import type { Part, Registered } from "./part.ts";
import type { Room } from "./room.ts";
import type { Account } from "./account.ts";
import type { CallGuard } from "./call-guard.ts";
import { read } from "../shared/reparse.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { Forking } from "./forking.ts";
import type { UnansweredRequests } from "./unanswered-requests.ts";
import type { StatelessForwarding } from "./stateless-forwarding.ts";
import type { Messages } from "./stored-messages.ts";
import type { CallsAtPresent } from "./non-subscriber-policy.ts";
import type { PresenceAgent } from "./presence-agent.ts";
import type { PushNotifications } from "./push-notifications.ts";
import type { Referrals } from "./referrals.ts";
import type { Registrar } from "./registrar.ts";
import { wakePatience } from "./sleeping-phones.ts";

/** Requests for this home's user: whether they may reach the user, and their targets (RFC 3261 §16.5). */
export class Terminating implements Part {
  readonly #room: Room;
  readonly #account: Account;
  readonly #guard: CallGuard;
  readonly #referrals: Referrals;
  readonly #registrar: Registrar;
  readonly #forking: Forking;
  readonly #unanswered: UnansweredRequests;
  readonly #stateless: StatelessForwarding;
  readonly #activeCalls: ActiveCalls;
  readonly #messages: Messages;
  readonly #presence: PresenceAgent;
  readonly #pushes: PushNotifications;
  readonly #callsAtPresent: CallsAtPresent;
  readonly #by: Forwarder;

  constructor(room: Room, parts: TerminatingParts) {
    this.#room = room;
    this.#account = parts.account;
    this.#guard = parts.guard;
    this.#referrals = parts.referrals;
    this.#registrar = parts.registrar;
    this.#forking = parts.forking;
    this.#unanswered = parts.unanswered;
    this.#stateless = parts.stateless;
    this.#activeCalls = parts.activeCalls;
    this.#messages = parts.messages;
    this.#presence = parts.presence;
    this.#pushes = parts.pushes;
    this.#callsAtPresent = parts.callsAtPresent;
    this.#by = { keyring: room.keyring, home: room.home.name, hint: room.home.hint, hints: room.home.hints };
  }

  /** A request from the home of its sender; if it cannot be forwarded it is answered at once. */
  request(received: RequestEnvelope, now: number): Receipt {
    const asReceived = read(received);
    const envelope = forPhones(received, asReceived.request, this.#room.home);
    const { request, mandatory } = envelope === received ? asReceived : read(envelope);
    const pass = () => this.#pass(envelope, request, mandatory, now);
    return this.#referrals.concerns(envelope, request) ? this.#referrals.receive(envelope, request, pass) : pass();
  }

  #pass(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    if (envelope.calleeSubscriber !== undefined) this.#account.take(envelope.calleeSubscriber);
    if (envelope.to.kind === "phone") return this.#stateless.toPhone(envelope, request, mandatory, now);
    const refusal = this.#refusalOf(envelope, request, mandatory);
    if (refusal !== undefined) return refusal;
    const own = this.#asksAgent(envelope, request) ? this.#presence.request(envelope, request, mandatory, now) : undefined;
    if (own !== undefined) return own;
    if (request.method === "INVITE" && this.#forking.has(envelope.transaction)) return accepted;
    this.#noteUnverified(envelope, now);
    const forged = this.#forgery(envelope, request, mandatory, now);
    if (forged !== undefined) return request.method === "ACK" ? accepted : refused(request, forged);
    return this.#toUser(envelope, request, mandatory, now);
  }

  /** For the administrator who reads the trace: why a phone is told that the caller is not verified. */
  #noteUnverified({ verification }: RequestEnvelope, now: number): void {
    if (verification === undefined || verification.result === "passed") return;
    this.#room.log.note(now, "-", `the number of the caller is not verified: ${verification.why}`);
  }

  /** Why nothing of it may reach the user; undefined if it may. */
  #refusalOf(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders): Receipt | undefined {
    if (isNonSubscriberHome(this.#by.home) && this.#peer(envelope).length === 0)
      return answered(request, 503, "the server of that domain is not connected");
    const { blocked } = this.#account.rules();
    const refusal = refuseBlocked(blocked, envelope.identity, request, mandatory) ?? refuseUnverified(blocked, envelope.verification);
    if (refusal !== undefined) return refused(request, refusal);
    return hasLooped(this.#by, request, mandatory) || this.#hasComeBack(envelope, request)
      ? answered(request, 482, "it has come back to where it was before")
      : undefined;
  }

  /** To the target set: with a response context, or to the one phone without state, or into the message store. */
  #toUser(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    const targets = this.#targets(envelope, now);
    if (envelope.redirects === true) return this.#search(envelope, request, targets, now);
    const isReachable = targets.some(({ host }) => host !== undefined);
    const isForUser = envelope.to.kind === "address" && envelope.to.instance === undefined;
    if (request.method === "MESSAGE" && !isReachable && isForUser) return this.#store(envelope, request, now);
    const [only, ...more] = targets;
    const isForwarded = only?.retarget !== undefined || !isFromPhone(envelope.answerTo);
    if (request.method === "INVITE" || more.length > 0 || isForwarded) return this.#search(envelope, request, targets, now);
    if (only !== undefined) return this.#stateless.toTarget(envelope, request, mandatory, only, now);
    return request.method === "ACK" ? accepted : answered(request, 480);
  }

  /** Refuses a request that could only pass for part of another user's call or subscription. */
  #forgery(
    { identity, caller, answerTo }: RequestEnvelope,
    request: Request,
    { callId, toTag }: MandatoryHeaders,
    now: number,
  ): Fault | undefined {
    if (request.method === "NOTIFY" && !isTrunkIdentity(identity)) return noSubscription;
    const { home } = caller ?? answerTo;
    if (home === this.#by.home) return undefined;
    const isKnown = this.#activeCalls.has(callId, now) || this.#unanswered.isOfOther(callId, home);
    // Without a To tag it is of no dialog, but phones may look at the Call-ID only.
    const begins = toTag === undefined && makesDialogs(request.method);
    if (isKnown) return begins ? inProgress : withoutRoute;
    return begins ? this.#guard.refuseByDialog(request, now) : this.#guard.refuseWithoutRoute(callId);
  }

  /** Event state of the user is this home's, that of one phone (RFC 5627) the phone's. */
  #asksAgent({ to, redirects }: RequestEnvelope, { method }: Request): boolean {
    return (method === "SUBSCRIBE" || method === "PUBLISH") && to.kind === "address" && to.instance === undefined && redirects !== true;
  }

  /** A response of one of our phones, on any of the user's sockets (RFC 3261 §16.7). */
  response(flow: Flow, response: Response, mandatory: MandatoryHeaders, branch: Exclude<Branch, { kind: "probe" }>, now: number): void {
    const isWithin = branch.kind !== "stateful" && flow.nonSubscriber?.isTrusted !== true;
    const remove = [...takenFrom(response, standingOf(flow.nonSubscriber)), ...(isWithin ? challengesWithin(response) : [])];
    const alterations = { popVia: true, remove };
    if (branch.kind === "stateful") return this.#forking.response(flow, response, alterations, mandatory, branch, now);
    if (branch.kind === "stored") return this.#messages.answered(branch.number, response.status);
    this.#stateless.answered(response, mandatory, branch.answerTo, alterations, now);
  }

  /** Phones have registered: waiting messages go to them. */
  onRegistered({ bindings }: Registered, now: number): void {
    for (const binding of bindings) {
      this.#handOver(binding.phone, now);
      this.#messages.offer(binding, now);
    }
  }

  /** RFC 3428 §7: 202 means that the message was accepted, not that it was read. */
  #store(envelope: RequestEnvelope, request: Request, now: number): Receipt {
    const refusal = this.#messages.store(envelope, request, now);
    if (refusal === undefined) this.#pushes.stored(request, now);
    return refusal === undefined ? answered(request, 202) : refused(request, refusal);
  }

  /** Undelivered messages that have expired. */
  onAlarm(now: number): void {
    this.#stateless.expire(now);
    this.#messages.passDeadlines(now);
  }

  /** The forwarding trail finds loops inside the server; if the Request-URI has changed it is a spiral and may pass. */
  #hasComeBack({ forwardingTrail }: RequestEnvelope, request: Request): boolean {
    return forwardingTrail?.includes(`${this.#by.home} ${request.requestUri}`) === true;
  }

  #targets(envelope: RequestEnvelope, now: number): ReachableTarget[] {
    if (envelope.to.kind !== "address") return [];
    if (isNonSubscriberHome(this.#by.home)) return this.#peer(envelope);
    const known = this.#registrar.current(now);
    const bindings = known.map(({ binding }) => binding);
    const caller = envelope.caller ?? envelope.answerTo;
    const targets = targetSet(bindings, envelope.to, caller.home === this.#by.home ? caller.phone : undefined);
    return targets.map((target) => {
      if (target.retarget !== undefined) return { ...target, host: "" };
      const flow = this.#room.sockets.newestTo(target.phone);
      if (flow !== undefined) return { ...target, host: flow.host, ...this.#wakes(target.phone, flow, now) };
      const { until, wakesAt } = this.#registrar.waitsForCall(target.phone, now);
      return { ...target, host: undefined, until, ...(wakesAt === undefined ? {} : { wakeAfter: 0 }) };
    });
  }

  /** A phone with a connection is woken if it does not answer there: at once if it has missed its keep-alives. */
  #wakes(phone: PhoneId, { id }: Flow, now: number): { readonly wakeAfter?: number } {
    if (this.#registrar.sleeping.bindingOf(phone) === undefined) return {};
    const { flowTimer } = this.#room.configuration.registrar;
    return { wakeAfter: this.#room.sockets.missesKeepAlives(id, flowTimer * 2000, now) ? 0 : wakePatience };
  }

  /** The server of another domain, if it is connected. */
  #peer({ text }: RequestEnvelope): ReachableTarget[] {
    const host = this.#room.sockets.newestTo(nonSubscriberPhone)?.host;
    const contact = text.slice(text.indexOf(" ") + 1, text.indexOf(" SIP/2.0\r\n"));
    return host === undefined ? [] : [{ phone: nonSubscriberPhone, contact, q: 1000, path: [], host }];
  }

  #search(envelope: RequestEnvelope, request: Request, targets: readonly ReachableTarget[], now: number): Receipt {
    const { groupTime, recursesOnRedirect } = this.#room.configuration;
    const disposition = readRequestDisposition(request);
    const preferred = preferTargets(request, targets);
    const plan = determineTargetsOfSearch({
      method: request.method,
      envelope,
      rules: this.#account.rules(),
      targets: preferred,
      // A call between two phones of the user is one call.
      calls: this.#callsAtPresent(now) - ((envelope.caller ?? envelope.answerTo).home === this.#by.home ? 1 : 0),
      disposition,
      hasCallerPreferences: hasHeader(request, "accept-contact") || hasHeader(request, "reject-contact"),
      settings: { groupTime: groupTime * 1000, recurses: recursesOnRedirect },
      now,
    });
    if (plan.kind === "refuse") return answered(request, plan.status, plan.why);
    // Callers must not learn where the user forwards calls.
    const wasSentOn = (envelope.forwardingTrail ?? []).length > 0;
    const isPrivate = wasSentOn || plan.first.some(({ retarget }) => retarget !== undefined && retarget.cause !== "unknown");
    // Subscribers may learn the addresses of phones; others ask the redirect server, if that answers without authentication.
    const mayAsk = disposition.redirect && !isOfNonSubscriber(envelope);
    if ((!mayAsk || isPrivate) && envelope.redirects !== true) return this.#forking.open(envelope, request, plan, now);
    const redirection = this.#redirection(envelope, request, [...plan.first, ...(plan.search?.waiting.flat() ?? [])], now);
    if (redirection !== undefined) return redirection;
    const isGruu = envelope.to.kind === "address" && envelope.to.instance !== undefined;
    if (!isGruu) return answered(request, 480);
    // RFC 3261 §8.3: a call to one phone is connected; the redirect server never connects.
    return isInReceipt(envelope.answerTo) ? answered(request, 404) : this.#forking.open(envelope, request, plan, now);
  }

  /** The sender gets the user's addresses: by its own request (RFC 3841 §9.1), from the redirect server, or by the domain's settings. */
  #redirection({ to }: RequestEnvelope, request: Request, targets: readonly ReachableTarget[], now: number): Receipt | undefined {
    const known = new Map(this.#registrar.current(now).map(({ binding }) => [binding.key, binding]));
    const of = { requestUri: request.requestUri, isGruu: to.kind === "address" && to.instance !== undefined };
    const redirection = redirectTo(targets, of, this.#room.home, ({ key = "" }) => {
      const expires = known.get(key)?.expires;
      return expires === undefined ? undefined : Math.ceil((expires - now) / 1000);
    });
    if (redirection === undefined) return undefined;
    const { status, contacts: headers } = redirection;
    return { kind: "answered", status, text: replyTo(request, status, { toTag: randomText(), headers }) };
  }

  /** Sends what waited for a phone that is back. */
  #handOver(phone: PhoneId, now: number): void {
    for (const message of this.#stateless.waiting(phone, now)) this.again(message, phone, now);
  }

  /** A request that may not have reached its phone is sent again. */
  again(message: RequestEnvelope, phone: PhoneId, now: number): void {
    const { request, mandatory } = read(message);
    if (message.to.kind === "phone") return void this.#stateless.toPhone(message, request, mandatory, now);
    const target = this.#targets(message, now).find((one) => one.phone === phone);
    if (target !== undefined) this.#stateless.toTarget(message, request, mandatory, target, now);
  }
}

export interface TerminatingParts {
  readonly account: Account;
  readonly guard: CallGuard;
  readonly referrals: Referrals;
  readonly registrar: Registrar;
  readonly forking: Forking;
  readonly unanswered: UnansweredRequests;
  readonly stateless: StatelessForwarding;
  readonly activeCalls: ActiveCalls;
  readonly messages: Messages;
  readonly presence: PresenceAgent;
  readonly pushes: PushNotifications;
  readonly callsAtPresent: CallsAtPresent;
}

function isOfNonSubscriber({ caller, answerTo }: RequestEnvelope): boolean {
  const { home } = caller ?? answerTo;
  return isNonSubscriberHome(home) || isHopName(home);
}

/** The request without what its sender may not tell a phone of this home. */
function forPhones(envelope: RequestEnvelope, request: Request, { name, domain }: Room["home"]): RequestEnvelope {
  const sender = (envelope.caller ?? envelope.answerTo).home;
  const isFromElsewhere = isUserHome(sender) && !isHomeOfUser(sender, domain);
  const unwanted: Alterations = isFromElsewhere ? { remove: takenFromElsewhere(request) } : {};
  const credentials = answersOf(envelope, request, isGuestHome(name));
  const isAsItIs = credentials === undefined && (unwanted.remove ?? []).length === 0;
  return isAsItIs ? envelope : { ...envelope, text: alter(request, combined(unwanted, credentials ?? {})) };
}

/** No phone gets a hash of the caller's password; a guest gets no credentials at all, because a guest is not a server that challenges. */
function answersOf({ identity }: RequestEnvelope, request: Request, isForGuest: boolean): Alterations | undefined {
  const hasNone = !hasHeader(request, "authorization") && !hasHeader(request, "proxy-authorization");
  if (hasNone) return undefined;
  if (isForGuest) return { remove: ["authorization", "proxy-authorization"] };
  return withoutAnswers(request, identity.slice(0, Math.max(0, identity.lastIndexOf("@"))));
}
