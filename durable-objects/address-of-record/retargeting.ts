import { transactionName } from "../../lib/proxy/branch.ts";
import { hideHistory } from "../../lib/proxy/history.ts";
import { retargetedRequest } from "../../lib/proxy/outgoing-request.ts";
import type { ForkedBranch } from "../../lib/proxy/response-context.ts";
import { type Address, addressOf } from "../../lib/location/address.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { drawFor } from "../../lib/routing/draw.ts";
import { type Trunk, uriAtTrunk } from "../../lib/routing/trunk.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { parseDeltaSeconds } from "../../lib/syntax/integers.ts";
import { hasHeader, headerValue, parseMessage } from "../../lib/syntax/message.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import type { CancelEnvelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { randomText } from "../room/random.ts";
import type { Room } from "../room/room.ts";
import { parsed } from "./checked.ts";
import { branchName, type OpenContext } from "./contexts.ts";
import { goodFirst, rememberBad, usualRest } from "../room/bad-servers.ts";
import { type Place, type Search, hopsOf, trunkHops } from "../room/trunk-hops.ts";
import { available, homeOf, mayCallOut, trunkFor } from "./resolve.ts";

/** Milliseconds after which a request that has not surely arrived is sent on once more. */
const retryAfter = 2000;

/** Branches that lead to another address: the home there gets the request as if it came from the caller's, and answers to this one. */
export class Retargeting {
  readonly #room: Room;
  readonly #passOn: PassOn;
  readonly #answered: (envelope: ResponseEnvelope) => void;
  /** The branches that have been sent on since the object woke up. */
  readonly #sent = new Map<string, SentOn>();

  constructor(room: Room, passOn: PassOn, answered: (envelope: ResponseEnvelope) => void) {
    this.#room = room;
    this.#passOn = passOn;
    this.#answered = answered;
  }

  /** Sends the branch on, if that may not have been done yet: a home that has had it drops it. */
  ensure(open: OpenContext, branch: ForkedBranch, now: number): void {
    const name = branchName(open.context.transaction, branch.index);
    if (this.#sent.has(name)) return;
    this.#sent.set(name, { place: undefined, left: [] });
    // Should the object lose its memory before the other home has the request.
    this.#room.alarm.noLaterThan(now + retryAfter);
    void this.#found(open, branch).then((found) =>
      isFault(found) ? this.#answer(open, branch, found) : this.#send(open, branch, found, found.places),
    );
  }

  /**
   * RFC 3263 §4.3: after a 503 the next server is tried; false if there is none. For the time it names, or a while, that server is the
   * last one to be tried (RFC 3261 §21.5.4).
   * @param refusal the text of the 503
   */
  triesNext(open: OpenContext, branch: ForkedBranch, refusal: string): boolean {
    const { place, left = [] } = this.#sent.get(branchName(open.context.transaction, branch.index)) ?? {};
    if (place !== undefined && isHopName(place.name)) rememberBad(place.name, retryAfterOf(refusal) ?? usualRest, Date.now());
    if (left.length === 0) return false;
    void this.#found(open, branch).then((found) =>
      isFault(found) ? this.#answer(open, branch, found) : this.#send(open, branch, found, left),
    );
    return true;
  }

  /** The branch has its final response. */
  forget(open: OpenContext, index: number): void {
    this.#sent.delete(branchName(open.context.transaction, index));
  }

  /** RFC 3261 §9.1: CANCEL goes where the request went. */
  cancel(open: OpenContext, branch: ForkedBranch, reason: string | undefined, now: number): void {
    this.#room.alarm.noLaterThan(now + retryAfter);
    const envelope: CancelEnvelope = { kind: "cancel", transaction: this.#transactionOf(open, branch), reason };
    void this.#found(open, branch)
      .then((found) => (isFault(found) ? undefined : this.#cancelAt(open, branch, found, envelope)))
      .catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** Another home of ours may still look for somebody; a server that has said nothing gets no CANCEL (RFC 3261 §9.1). */
  abandon(open: OpenContext, branch: ForkedBranch): void {
    const envelope: CancelEnvelope = { kind: "cancel", transaction: this.#transactionOf(open, branch), reason: undefined };
    void this.#found(open, branch)
      .then((found) => (isFault(found) || found.places.some(({ name }) => isHopName(name)) ? [] : found.places))
      .then((places) => Promise.all(places.map(({ name }) => this.#passOn(name, envelope))))
      .catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** If it is not known any more which server has the request, all are told: one that does not know it answers 481 (§9.2). */
  #cancelAt(open: OpenContext, branch: ForkedBranch, found: Found, envelope: CancelEnvelope): Promise<unknown> {
    const { place } = this.#sent.get(branchName(open.context.transaction, branch.index)) ?? {};
    const places = place === undefined ? found.places : [place];
    return Promise.all(
      places.map((one) => {
        const of = isHopName(one.name) ? this.#envelope(open, branch, found, one) : undefined;
        if (of === undefined) return this.#passOn(one.name, envelope);
        return isFault(of) ? undefined : this.#passOn(one.name, { ...envelope, of });
      }),
    );
  }

  /** Tries one place after another; the branch is answered with a refusal if the request has come through nowhere. */
  async #send(open: OpenContext, branch: ForkedBranch, found: Found, places: readonly Place[]): Promise<void> {
    let refusal: Refusal = fault(503, "the other side cannot be reached now");
    for (const [index, place] of places.entries()) {
      const envelope = this.#envelope(open, branch, found, place);
      if (isFault(envelope)) return this.#answer(open, branch, envelope);
      this.#sent.set(branchName(open.context.transaction, branch.index), { place, left: places.slice(index + 1) });
      try {
        const receipt = await this.#passOn(place.name, envelope);
        if (receipt.kind === "taken") return;
        refusal = receipt;
        if (receipt.status !== 503) break;
        // It says for how long, unless only its lines are in use.
        if (isHopName(place.name)) rememberBad(place.name, retryAfterOf(receipt.text) ?? 0, Date.now());
      } catch (error) {
        this.#room.log.note(Date.now(), "-", String(error));
      }
    }
    this.#answer(open, branch, refusal);
  }

  #found(open: OpenContext, branch: ForkedBranch): Promise<Found | Fault> {
    return available(() => this.#find(open, branch));
  }

  async #find(open: OpenContext, branch: ForkedBranch): Promise<Found | Fault> {
    const uri = parseUri(branch.contact);
    if (isFault(uri)) return uri;
    const { domain } = this.#room.home;
    const unnamed = { instance: undefined, registration: undefined };
    const address: Address | undefined =
      uri.kind === "sip"
        ? (addressOf(this.#room.keyring, uri) ??
          (uri.user === undefined ? { user: "", domain: uri.host.toLowerCase(), ...unnamed } : undefined))
        : uri.kind === "tel"
          ? { user: uri.number, domain, ...unnamed }
          : undefined;
    if (address === undefined) return fault(416, "nobody can be found by this URI");
    const search = this.#searchFor(open, branch);
    if (branch.retarget?.trunk !== undefined) return this.#byTrunk(search, open, branch.retarget.trunk, address);
    const resolved = await homeOf(this.#room, address);
    if (!isFault(resolved)) return { places: [{ name: resolved.home }], address, introduces: resolved.introduces };
    const trunk = resolved.status === 404 && address.domain === domain ? await trunkFor(this.#room, address.user) : undefined;
    if (trunk !== undefined) return this.#byTrunk(search, open, trunk.name, address);
    if (resolved.status !== 403 || uri.kind !== "sip") return resolved;
    if (branch.retarget?.isAllowed !== true && !(await mayCallOut(this.#room))) return resolved;
    // The server of that domain may have connected to us.
    const peer = await this.#room.directory.peerFor(domain, address.domain);
    const found = await hopsOf(search, uri);
    const places = isFault(found) ? [] : goodFirst(found, Date.now());
    if (peer !== undefined) return { places: [{ name: peer }, ...places], address, introduces: undefined };
    return isFault(found) ? found : { places, address, introduces: undefined };
  }

  /** By a trunk of our domain, under the name that it knows the user by. */
  async #byTrunk(search: Search, { request }: OpenContext, name: string, address: Address): Promise<Found | Fault> {
    const { directory, home, keyring } = this.#room;
    const trunk = (await directory.trunks(home.domain)).find((one) => one.name === name);
    if (trunk === undefined) return fault(500, "the trunk is not there any more");
    const line = drawFor(keyring, headerValue(request, "call-id") ?? "")(trunk.connections);
    const places = await trunkHops(search, trunk, [line]);
    if (isFault(places)) return places;
    return { places: goodFirst(places, Date.now()), address, introduces: undefined, trunk };
  }

  /** One branch finds its servers in the same order each time. */
  #searchFor({ context }: OpenContext, branch: ForkedBranch): Search {
    const { resolver, configuration, keyring } = this.#room;
    const chance = drawFor(keyring, branchName(context.transaction, branch.index));
    return { resolver, networks: configuration.allowedNetworks, chance };
  }

  #envelope(open: OpenContext, branch: ForkedBranch, { address, introduces, trunk }: Found, place: Place): RequestEnvelope | Fault {
    const { context, request } = open;
    const { search, answerTo } = context;
    const { name: home, user, domain } = this.#room.home;
    const keepsAddress = trunk === undefined || branch.retarget?.keepsAddress === true;
    const contact = keepsAddress ? branch.contact : uriAtTrunk(trunk, address.user, place.server);
    const breadth = Math.max(1, Math.floor((search?.breadth ?? 1) / Math.max(1, context.branches.length)));
    const forwarded = retargetedRequest(`sip:${user}@${domain}`, request, context, { ...branch, contact }, breadth);
    const leaves = isHopName(place.name);
    if (isFault(forwarded)) return forwarded;
    return {
      kind: "request",
      text: leaves ? this.#leaving(forwarded, request.binary, trunk?.trusted === true ? search?.identity : undefined) : forwarded,
      binary: request.binary,
      answerTo: { home, flow: "", phone: "", branch: branchName(context.transaction, branch.index) },
      transaction: this.#transactionOf(open, branch),
      identity: search?.identity ?? "",
      to: { kind: "address", instance: address.instance, registration: address.registration },
      recordRoute: undefined,
      caller: search?.caller ?? { home: answerTo.home, phone: answerTo.phone },
      trail: [...(search?.trail ?? []), `${home} ${request.requestUri}`],
      breadth,
      ...(introduces === undefined ? {} : { introduces }),
    };
  }

  /** What others are told of who calls, and of whom he called first. */
  #leaving(text: string, binary: boolean, identity: string | undefined): string {
    const identified = withIdentity(text, binary, identity);
    const request = parsed(identified, binary);
    const hidden = hideHistory(request, this.#room.home.domain);
    return hidden === undefined ? identified : alter(request, hidden);
  }

  #transactionOf({ context }: OpenContext, branch: ForkedBranch): string {
    const { keyring, home } = this.#room;
    return transactionName(keyring, home.name, branchName(context.transaction, branch.index), "sent on");
  }

  #answer({ context, request }: OpenContext, branch: ForkedBranch, refusal: Refusal): void {
    const status = isFault(refusal) ? refusal.status : refusal.status;
    const text = isFault(refusal) ? replyTo(request, status, { toTag: randomText() }) : refusal.text;
    const to = { home: "", flow: "", phone: "", branch: branchName(context.transaction, branch.index) };
    this.#answered({ kind: "response", text, binary: request.binary, status, to, transaction: undefined });
  }
}

/** Where a branch leads: the home of its address, or the connections to the servers of its domain, best first. */
interface Found {
  readonly places: readonly Place[];
  readonly address: Address;
  readonly introduces: Subscriber | undefined;
  readonly trunk?: Trunk;
}

/** Where a branch was sent, undefined while that is being looked up; and the places that have not been tried. */
interface SentOn {
  readonly place: Place | undefined;
  readonly left: readonly Place[];
}

type PassOn = (home: string, envelope: RequestEnvelope | CancelEnvelope) => Promise<Receipt>;
type Refusal = Fault | (Receipt & { readonly kind: "answered" });

/**
 * RFC 3325 §5: whom the flow was authenticated for, or what a trusted trunk has said of its caller, towards those who are to know.
 * @param identity undefined towards those who are not
 */
function withIdentity(text: string, binary: boolean, identity: string | undefined): string {
  const request = parsed(text, binary);
  const isAsserted = hasHeader(request, asserted);
  if (identity === undefined) return isAsserted ? alter(request, { remove: [asserted] }) : text;
  return isAsserted ? text : alter(request, { append: [["P-Asserted-Identity", `<sip:${identity}>`]] });
}

const asserted = "p-asserted-identity";

/** Seconds; undefined if the response does not say (RFC 3261 §20.33). */
function retryAfterOf(text: string): number | undefined {
  const message = parseMessage({ text, binary: false });
  return isFault(message) ? undefined : parseDeltaSeconds(/^\d+/.exec(headerValue(message, "retry-after") ?? "")?.[0]);
}
