import { mandatoryHeadersOf, parsed, parsedResponse } from "../shared/reparse.ts";
import { type ReturnAddress, branchName, returnToContext, takerOf } from "../../lib/transport/return-address.ts";
import { onwardTransactionName } from "../../lib/proxy/branch.ts";
import { hideHistory } from "../../lib/proxy/history.ts";
import { shownTo } from "../../lib/proxy/standing.ts";
import { retargetedRequest } from "../../lib/proxy/outgoing-request.ts";
import { type ForkedBranch, type ResponseContext, isToCome } from "../../lib/proxy/response-context/context.ts";
import { isSilent } from "../../lib/proxy/response-context/deadlines.ts";
import { withBranch } from "../../lib/proxy/response-context/fork.ts";
import { isByDomain } from "../../lib/proxy/response-context/target-set.ts";
import { allInUse, tooManyASecond, tooManyMinutes, uriAtTrunk } from "../../lib/routing/trunk.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { Fault, fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import { parseDeltaSeconds } from "../../lib/syntax/integers.ts";
import { hasHeader, headerValue } from "../../lib/syntax/message.ts";
import type { CancelEnvelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { answerFault } from "../shared/reply.ts";
import { refuseDestination, writtenIn } from "../shared/trunk-destinations.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import { type Asserts, type ForwardingPlace, ForwardingPlaces, type Found } from "./forwarding-places.ts";
import type { CallRecords } from "./call-records.ts";
import type { PassOn } from "./pass-on.ts";
import type { Room } from "./room.ts";
import { isSips, type OpenContext } from "./contexts.ts";
import { defaultRetryAfter } from "../../platform/unavailable-servers.ts";

/** Milliseconds after which a request that may not have arrived is forwarded again. */
const retryAfter = 2000;

/** Branches that lead to another address: the home there gets the request as if from the caller's home, and answers to this one. */
export class Retargeting {
  readonly #room: Room;
  readonly #places: ForwardingPlaces;
  readonly #passOn: PassOn;
  readonly #answered: (envelope: ResponseEnvelope) => void;
  /** The branches that have been forwarded since the object woke up. */
  readonly #sent = new Map<string, SentOn>();

  readonly #records: CallRecords;

  constructor(room: Room, records: CallRecords, passOn: PassOn, answered: (envelope: ResponseEnvelope) => void) {
    this.#records = records;
    this.#room = room;
    this.#places = new ForwardingPlaces(room);
    this.#passOn = passOn;
    this.#answered = answered;
  }

  /** Forwards the branch if that may not have been done yet: a home that has it drops the repetition. */
  ensure(open: OpenContext, branch: ForkedBranch, now: number): void {
    const name = branchName(open.context.transaction, branch.index);
    if (this.#sent.has(name)) return;
    const at = branch.serversTried ?? 0;
    this.#sent.set(name, { place: undefined, at, left: [] });
    // In case of an eviction before the other home has the request.
    this.#room.alarm.noLaterThan(now + retryAfter);
    void this.#places.find(open, branch).then((found) => {
      if (isFault(found)) return this.#answer(open, branch, found);
      const places = at === 0 ? this.#room.unavailableServers.last(found.places, Date.now()) : found.places.slice(at);
      return this.#send(open, branch, found, { places, at });
    });
  }

  /**
   * RFC 3263 §4.3: after a 503, silence, or another response that the trunk names, the next server is tried. For the time in the Retry-After
   * of a 503, or a default, that server is tried last (RFC 3261 §21.5.4). If it is unknown which one that was, it was the first of those not
   * yet passed.
   * @param refusal the text of the response, "" after silence
   * @returns how many servers are passed now; undefined if none is left
   */
  triesNext(open: OpenContext, branch: ForkedBranch, refusal: string): number | undefined {
    const name = branchName(open.context.transaction, branch.index);
    const known = this.#sent.get(name);
    const isUnavailable = refusal === "" || parsedResponse(refusal).status === 503;
    if (isUnavailable && known?.place !== undefined && isHopName(known.place.name))
      this.#room.unavailableServers.remember(known.place.name, retryAfterOf(refusal) ?? defaultRetryAfter, Date.now());
    if (known?.left.length === 0) return undefined;
    const at = (known?.at ?? branch.serversTried ?? 0) + 1;
    this.#sent.set(name, { place: undefined, at, left: [] });
    void this.#places.find(open, branch).then((found) => {
      const places = known?.left ?? (isFault(found) ? [] : found.places.slice(at));
      if (isFault(found)) return this.#answer(open, branch, found);
      if (places.length > 0) return this.#send(open, branch, found, { places, at });
      // The places were lost in an eviction: there was only one, and its home may still search.
      this.abandon(open, branch);
      return this.#answer(open, branch, lastRefusal(refusal));
    });
    return at;
  }

  /** If a server was silent for all of Timer B the next one is tried, if there is one. @returns what is to be saved */
  pastSilent(open: OpenContext, now: number): OpenContext {
    let { context } = open;
    for (const branch of open.context.branches) {
      const passed = isSilent(context, branch, now, this.#room.timers) ? this.triesNext(open, branch, "") : undefined;
      if (passed !== undefined) context = withBranch(context, { ...branch, sent: now, serversTried: passed });
    }
    return { context, request: open.request };
  }

  /** What may have been lost in an eviction is done again; a receiver that has it drops the repetition. */
  resume({ context, request }: OpenContext, now: number): void {
    for (const branch of context.branches) {
      if (branch.retarget === undefined || branch.final !== 0 || isToCome(branch)) continue;
      // A server that has been silent too long does not get the request again.
      if (isSilent(context, branch, now, this.#room.timers)) continue;
      if (branch.cancelled === 0) this.ensure({ context, request }, branch, now);
      else this.cancel({ context, request }, branch, undefined, now);
    }
  }

  /** The branch has its final response. */
  forget(open: OpenContext, index: number): void {
    this.#sent.delete(branchName(open.context.transaction, index));
  }

  /** RFC 3261 §9.1: CANCEL goes where the request went. */
  cancel(open: OpenContext, branch: ForkedBranch, reason: string | undefined, now: number): void {
    this.#room.alarm.noLaterThan(now + retryAfter);
    const envelope: CancelEnvelope = { kind: "cancel", transaction: this.#transactionOf(open, branch), reason };
    void this.#places
      .find(open, branch)
      .then((found) => (isFault(found) ? undefined : this.#cancelAt(open, branch, found, envelope)))
      .catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** Another home of ours may still search; a server that was silent gets no CANCEL (RFC 3261 §9.1). */
  abandon(open: OpenContext, branch: ForkedBranch): void {
    const envelope: CancelEnvelope = { kind: "cancel", transaction: this.#transactionOf(open, branch), reason: undefined };
    void this.#places
      .find(open, branch)
      .then((found) => (isFault(found) || found.places.some(({ name }) => isHopName(name)) ? [] : found.places))
      .then((places) => Promise.all(places.map(({ name }) => this.#passOn(name, envelope))))
      .catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** If it is unknown which server has the request, all get the CANCEL: one that does not know it answers 481 (§9.2). */
  #cancelAt(open: OpenContext, branch: ForkedBranch, found: Found, envelope: CancelEnvelope): Promise<unknown> {
    const { place } = this.#sent.get(branchName(open.context.transaction, branch.index)) ?? {};
    // Nothing was sent to a server that the user may not contact.
    const places = place === undefined ? found.places.filter((one) => this.#mayContact(one, found)) : [place];
    return Promise.all(
      places.map((one) => {
        const of = isHopName(one.name) ? this.#envelope(open, branch, found, one) : undefined;
        if (of === undefined) return this.#passOn(one.name, envelope);
        return isFault(of) ? undefined : this.#passOn(one.name, { ...envelope, of });
      }),
    );
  }

  /** Tries one place after another; if the request arrived at none, the branch is answered with a refusal. */
  async #send(open: OpenContext, branch: ForkedBranch, found: Found, { places, at }: Left): Promise<void> {
    const forbidden = await this.#refusalOfTrunk(open, branch, found);
    if (forbidden !== undefined) return this.#answer(open, branch, forbidden);
    let refusal: Refusal = fault(503, "the other side cannot be reached now");
    for (const [index, place] of places.entries()) {
      const envelope = this.#envelope(open, branch, found, place);
      if (isFault(envelope)) return this.#answer(open, branch, envelope);
      if (!this.#mayContact(place, found)) {
        refusal = tooManyServers;
        break;
      }
      const left = places.slice(index + 1);
      this.#sent.set(branchName(open.context.transaction, branch.index), { place, at: at + index, left });
      try {
        const receipt = await this.#passOn(place.name, envelope);
        if (found.trunk !== undefined) this.#records.sentByTrunk(open.context.transaction, branch.index, found.trunk.name);
        if (receipt.kind === "taken") return;
        refusal = { ...receipt, why: receipt.why ?? unexplained };
        if (receipt.status !== 503) break;
        if (!isHopName(place.name)) continue;
        // It has a Retry-After, unless only its lines are in use.
        const rest = retryAfterOf(receipt.text);
        this.#room.unavailableServers.remember(place.name, rest ?? 0, Date.now());
        if (rest === undefined) refusal = [tooManyASecond, tooManyMinutes].find((limit) => limit.fault === receipt.why) ?? allInUse;
      } catch (error) {
        this.#room.log.note(Date.now(), "-", String(error));
      }
    }
    this.#answer(open, branch, refusal);
  }

  /** Every request to a trunk passes here, also a forwarded one, and one to a server of a trunk that does not go by the trunk. */
  #refusalOfTrunk({ request }: OpenContext, branch: ForkedBranch, { trunksOfServer = [], trunk, address }: Found): Fault | undefined {
    if (trunk !== undefined) return refuseDestination(trunk, request.method, address.user);
    // The URI goes there as it is.
    const uri = parseUri(branch.contact);
    const written = isFault(uri) ? [] : [writtenIn(branch.contact, uri)];
    const users = [address.user, ...written];
    const refusals = trunksOfServer.flatMap((one) => users.map((user) => refuseDestination(one, request.method, user)));
    return refusals.find((refusal) => refusal !== undefined);
  }

  #mayContact({ name }: ForwardingPlace, { trunk }: Found): boolean {
    const { newServers, home } = this.#room;
    return trunk !== undefined || !isHopName(name) || newServers.mayContact(home.name, name, Date.now());
  }

  #envelope(
    open: OpenContext,
    branch: ForkedBranch,
    { address, calleeSubscriber, trunk }: Found,
    place: ForwardingPlace,
  ): RequestEnvelope | Fault {
    const { context, request } = open;
    const { search, answerTo } = context;
    const { name: home, user, domain } = this.#room.home;
    const keepsRequestUri = trunk === undefined || branch.retarget?.keepsRequestUri === true;
    const written = keepsRequestUri ? branch.contact : uriAtTrunk(trunk, address.user, place.server);
    const contact = isSips(open) ? written.replace(/^sip:/i, "sips:") : written;
    const breadth = breadthOfEach(context);
    const { forwards = 1 } = branch;
    if (forwards === 0) return tooManyForwards;
    const own = `sip:${user}@${domain}`;
    const retargeted = retargetedRequest(own, request, context, { ...branch, contact }, breadth);
    const leaves = isHopName(place.name) || place.isPeer === true;
    if (isFault(retargeted)) return retargeted;
    const forwarded = calledBy(own, answerTo, retargeted);
    return {
      kind: "request",
      text: leaves ? this.#leaving(forwarded, place.asserts) : forwarded,
      answerTo: returnToContext(home, branchName(context.transaction, branch.index)),
      transaction: this.#transactionOf(open, branch),
      identity: search?.identity ?? "",
      to: { kind: "address", instance: address.instance, registration: address.registration },
      recordRoute: undefined,
      caller: search?.caller ?? { home: answerTo.home, phone: answerTo.phone },
      forwardingTrail: [...(search?.forwardingTrail ?? []), `${home} ${request.requestUri}`],
      breadth,
      forwards: forwards - 1,
      ...(search?.verification === undefined ? {} : { verification: search.verification }),
      ...(calleeSubscriber === undefined ? {} : { calleeSubscriber }),
    };
  }

  /** The request as others may see it: who calls, and who was called first. */
  #leaving(text: string, asserts: Asserts | undefined): string {
    const identified = withIdentity(text, asserts);
    const request = parsed(identified);
    const hidden = hideHistory(request, this.#room.home.domain);
    return hidden === undefined ? identified : alter(request, hidden);
  }

  #transactionOf({ context }: OpenContext, branch: ForkedBranch): string {
    const { keyring, home } = this.#room;
    return onwardTransactionName(keyring, home.name, branchName(context.transaction, branch.index));
  }

  /** Callers must not learn where a user forwards calls: only the log has the reason of the failure. */
  #asTold({ retarget }: ForkedBranch, refusal: Fault): Fault {
    if (retarget === undefined || isByDomain(retarget)) return refusal;
    this.#room.log.note(Date.now(), "-", `a call could not be forwarded: ${refusal.fault}`);
    return new Fault(cannotGoOn, refusal.status, refusal.headers, refusal.reason);
  }

  #answer({ context, request }: OpenContext, branch: ForkedBranch, refusal: Refusal): void {
    const { status } = refusal;
    const told = isFault(refusal) ? this.#asTold(branch, refusal) : refusal;
    const [text, why] = isFault(told) ? [answerFault(request, told), told.fault] : [told.text, told.why];
    const to = returnToContext(this.#room.home.name, branchName(context.transaction, branch.index));
    this.#answered({ kind: "response", text, status, to, transaction: undefined, ...(why === undefined ? {} : { why }) });
  }
}

/** Of a home that has refused a request. */
const unexplained = "the server gives no reason";
const tooManyServers = limitReached(480, "too many other servers were contacted in a short time", [["Retry-After", "60"]]);

/** For callers all failures of a user's forwarding are the same. */
const cannotGoOn = "the user's calls cannot be forwarded";

/** Places to try, and how many come before them. */
interface Left {
  readonly places: readonly ForwardingPlace[];
  readonly at: number;
}

/** The place that a branch was sent to, undefined during the lookup; and the places that have not been tried. */
interface SentOn {
  readonly place: ForwardingPlace | undefined;
  /** The number of places before it. */
  readonly at: number;
  readonly left: readonly ForwardingPlace[];
}

type Refusal = Fault | (Receipt & { readonly kind: "answered" });

function lastRefusal(refusal: string): Refusal {
  return refusal === ""
    ? fault(408, "no server has answered")
    : { kind: "answered", status: parsedResponse(refusal).status, text: refusal };
}

/** Untrusted receivers get no asserted identity, even from a trusted server (RFC 3325 §5). */
function withIdentity(text: string, asserts: Asserts | undefined): string {
  const request = parsed(text);
  if (asserts === undefined) return shownTo(request, "server");
  const { identity } = asserts;
  return hasHeader(request, "p-asserted-identity") || identity === undefined
    ? text
    : alter(request, { append: [["P-Asserted-Identity", `<sip:${identity}>`]] });
}

/** Seconds; undefined if the response has none (RFC 3261 §20.33), and after silence. */
function retryAfterOf(text: string): number | undefined {
  if (text === "") return undefined;
  return parseDeltaSeconds(/^\d+/.exec(headerValue(parsedResponse(text), "retry-after") ?? "")?.[0]);
}

const tooManyForwards = fault(440, "the call would become too many requests");

/** An application calls the user by the name of whom the call is for. Who else gets that call is called by the user. */
function calledBy(uri: string, answerTo: ReturnAddress, text: string): string {
  const taker = takerOf(answerTo);
  if (taker.kind !== "third party" || !taker.id.endsWith(".user")) return text;
  const request = parsed(text);
  const tag = mandatoryHeadersOf(request).fromTag ?? "";
  return alter(request, { remove: ["from"], append: [["From", `<${uri}>;tag=${tag}`]] });
}

function breadthOfEach({ search, branches }: ResponseContext): number {
  return Math.max(1, Math.floor((search?.breadth ?? 1) / Math.max(1, branches.length)));
}
