import { transactionName } from "../../lib/proxy/branch.ts";
import { retargetedRequest } from "../../lib/proxy/outgoing-request.ts";
import type { ForkedBranch } from "../../lib/proxy/response-context.ts";
import { type Address, addressOf } from "../../lib/location/address.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { type Trunk, uriAtTrunk } from "../../lib/routing/trunk.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { hasHeader } from "../../lib/syntax/message.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import type { CancelEnvelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { randomText } from "../room/random.ts";
import type { Room } from "../room/room.ts";
import { parsed } from "./checked.ts";
import { branchName, type OpenContext } from "./contexts.ts";
import { hopsOf, trunkHops } from "../room/trunk-hops.ts";
import { available, homeOf, mayCallOut, trunkFor } from "./resolve.ts";

/** Milliseconds after which a request that has not surely arrived is sent on once more. */
const retryAfter = 2000;

/** Branches that lead to another address: the home there gets the request as if it came from the caller's, and answers to this one. */
export class Retargeting {
  readonly #room: Room;
  readonly #passOn: PassOn;
  readonly #answered: (envelope: ResponseEnvelope) => void;
  /** The branches that have been sent on since the object woke up, each with the places it may go to that have not been tried. */
  readonly #sent = new Map<string, readonly string[]>();

  constructor(room: Room, passOn: PassOn, answered: (envelope: ResponseEnvelope) => void) {
    this.#room = room;
    this.#passOn = passOn;
    this.#answered = answered;
  }

  /** Sends the branch on, if that may not have been done yet: a home that has had it drops it. */
  ensure(open: OpenContext, branch: ForkedBranch, now: number): void {
    const name = branchName(open.context.transaction, branch.index);
    if (this.#sent.has(name)) return;
    this.#sent.set(name, []);
    // Should the object lose its memory before the other home has the request.
    this.#room.alarm.noLaterThan(now + retryAfter);
    void this.#found(branch).then((found) =>
      isFault(found) ? this.#answer(open, branch, found) : this.#send(open, branch, found, found.places),
    );
  }

  /** RFC 3263 §4.3: after a 503 the next server is tried; false if there is none. */
  triesNext(open: OpenContext, branch: ForkedBranch): boolean {
    const places = this.#sent.get(branchName(open.context.transaction, branch.index)) ?? [];
    if (places.length === 0) return false;
    void this.#found(branch).then((found) =>
      isFault(found) ? this.#answer(open, branch, found) : this.#send(open, branch, found, places),
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
    void this.#found(branch)
      .then((found) => (isFault(found) ? undefined : this.#cancelAt(open, branch, found, envelope)))
      .catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  #cancelAt(open: OpenContext, branch: ForkedBranch, found: Found, envelope: CancelEnvelope): Promise<unknown> {
    const waiting = this.#sent.get(branchName(open.context.transaction, branch.index))?.length ?? found.places.length - 1;
    const place = found.places[found.places.length - 1 - waiting] ?? found.places[0] ?? "";
    const of = isHopName(place) ? this.#envelope(open, branch, found) : undefined;
    if (of === undefined) return this.#passOn(place, envelope);
    return isFault(of) ? Promise.resolve() : this.#passOn(place, { ...envelope, of });
  }

  /** Tries one place after another; the branch is answered with a refusal if the request has come through nowhere. */
  async #send(open: OpenContext, branch: ForkedBranch, found: Found, places: readonly string[]): Promise<void> {
    const envelope = this.#envelope(open, branch, found);
    if (isFault(envelope)) return this.#answer(open, branch, envelope);
    let refusal: Refusal = fault(503, "the other side cannot be reached now");
    for (const [index, place] of places.entries()) {
      this.#sent.set(branchName(open.context.transaction, branch.index), places.slice(index + 1));
      try {
        const receipt = await this.#passOn(place, envelope);
        if (receipt.kind === "taken") return;
        refusal = receipt;
        if (receipt.status !== 503) break;
      } catch (error) {
        this.#room.log.note(Date.now(), "-", String(error));
      }
    }
    this.#answer(open, branch, refusal);
  }

  #found(branch: ForkedBranch): Promise<Found | Fault> {
    return available(() => this.#find(branch));
  }

  async #find(branch: ForkedBranch): Promise<Found | Fault> {
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
    if (branch.retarget?.trunk !== undefined) return this.#byTrunk(branch.retarget.trunk, address);
    const resolved = await homeOf(this.#room, address);
    if (!isFault(resolved)) return { places: [resolved.home], address, introduces: resolved.introduces };
    const trunk = resolved.status === 404 && address.domain === domain ? await trunkFor(this.#room, address.user) : undefined;
    if (trunk !== undefined) return this.#byTrunk(trunk.name, address);
    if (resolved.status !== 403 || uri.kind !== "sip") return resolved;
    if (branch.retarget?.isAllowed !== true && !(await mayCallOut(this.#room))) return resolved;
    const { resolver, configuration } = this.#room;
    // The server of that domain may have connected to us: then nothing has to be looked up.
    const peer = await this.#room.directory.peerFor(domain, address.domain);
    const places = await hopsOf(resolver, configuration.allowedNetworks, uri);
    if (peer !== undefined) return { places: [peer, ...(isFault(places) ? [] : places)], address, introduces: undefined };
    return isFault(places) ? places : { places, address, introduces: undefined };
  }

  /** By a trunk of our domain, under the name that it knows the user by. */
  async #byTrunk(name: string, address: Address): Promise<Found | Fault> {
    const { directory, home, resolver, configuration } = this.#room;
    const trunk = (await directory.trunks(home.domain)).find((one) => one.name === name);
    if (trunk === undefined) return fault(500, "the trunk is not there any more");
    const places = await trunkHops(resolver, configuration.allowedNetworks, trunk);
    if (isFault(places)) return places;
    return { places, address, introduces: undefined, trunk };
  }

  #envelope(open: OpenContext, branch: ForkedBranch, { address, introduces, trunk, places }: Found): RequestEnvelope | Fault {
    const { context, request } = open;
    const { search, answerTo } = context;
    const { name: home, user, domain } = this.#room.home;
    const leaves = places.some(isHopName);
    const contact = trunk === undefined || branch.retarget?.keepsAddress === true ? branch.contact : uriAtTrunk(trunk, address.user);
    const breadth = Math.max(1, Math.floor((search?.breadth ?? 1) / Math.max(1, context.branches.length)));
    const forwarded = retargetedRequest(`sip:${user}@${domain}`, request, context, { ...branch, contact }, breadth);
    if (isFault(forwarded)) return forwarded;
    return {
      kind: "request",
      text: leaves ? withIdentity(forwarded, request.binary, trunk?.trusted === true ? search?.identity : undefined) : forwarded,
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
  readonly places: readonly string[];
  readonly address: Address;
  readonly introduces: Subscriber | undefined;
  readonly trunk?: Trunk;
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
