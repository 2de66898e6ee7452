import { branchName } from "../../lib/transport/return-address.ts";
import { type Address, addressOf } from "../../lib/location/address.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { senderOf } from "../../lib/proxy/non-subscriber-requests.ts";
import type { ForkedBranch, Search as SearchState } from "../../lib/proxy/response-context/context.ts";
import type { Retarget } from "../../lib/proxy/response-context/target-set.ts";
import { isHopName, readHopName } from "../../lib/routing/hop-name.ts";
import { randomFor } from "../../lib/routing/seeded-random.ts";
import { isSecure } from "../../lib/routing/transport.ts";
import { type Trunk, isTrunkIdentity, trunkNamed } from "../../lib/routing/trunk.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { headerValue } from "../../lib/syntax/message.ts";
import { type SipUri, type Uri, dialledNumber, parseUri } from "../../lib/syntax/uri.ts";
import { nonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import { mandatoryHeadersOf } from "../shared/reparse.ts";
import { dialledAddress } from "../shared/dialled-address.ts";
import { noRelay, routeOf, selectForwardingTarget } from "../shared/target-selection.ts";
import { available } from "../../platform/directory/available.ts";
import { type Place, type Search, hopsOf, trunkHops } from "../shared/trunk-hops.ts";
import { type OpenContext, isSips } from "./contexts.ts";
import type { Room } from "./room.ts";

/** The asserted identity of the caller (RFC 3325 §5); undefined if there is none. */
export interface Asserts {
  readonly identity: string | undefined;
}

export interface ForwardingPlace extends Place {
  /** Absent: the receiver must not learn the caller. */
  readonly asserts?: Asserts | undefined;
  /** The server of another domain, which has connected to us. */
  readonly isPeer?: boolean;
}

/** An address after the routes of the domain, and the trunk that they choose for it. */
interface Routed {
  readonly address: Address;
  readonly trunk?: string;
}

/** Where a branch leads: the home of its address, or the connections to the servers of its domain, in an order that is the same each time. */
export interface Found {
  readonly places: readonly ForwardingPlace[];
  readonly address: Address;
  readonly calleeSubscriber: Subscriber | undefined;
  readonly trunk?: Trunk;
  /** The trunks of our domain whose server this is, although the call does not go by one: the server may know us by our address. */
  readonly trunksOfServer?: readonly Trunk[];
}

/** Finds where a branch leads that goes to another address: the target first, then the servers that take it. */
export class ForwardingPlaces {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** The places of a branch, in the same order each time; a secure one goes by TLS only. */
  async find(open: OpenContext, branch: ForkedBranch): Promise<Found | Fault> {
    const found = await available(() => this.#locate(open, branch));
    if (isFault(found) || !isSips(open)) return found;
    // RFC 5630 §5.3: a secure request goes only over secure connections.
    const places = found.places.filter(({ name }) => !isHopName(name) || isSecure(readHopName(name).transport));
    return places.length > 0 ? { ...found, places } : fault(480, "no server can be reached over TLS");
  }

  async #locate(open: OpenContext, branch: ForkedBranch): Promise<Found | Fault> {
    const uri = parseUri(branch.contact);
    if (isFault(uri)) return uri;
    const named = addressFor(this.#room, uri);
    if (named === undefined) return fault(416, "this URI names no user");
    const dialled = await dialledAddress(this.#room.directory, named);
    if (isFault(dialled)) return dialled;
    const search = this.#searchFor(open, branch);
    const { retarget } = branch;
    const routed = retarget?.cause === "deflection" ? await this.#routed(open, dialled) : { address: dialled };
    if (isFault(routed)) return routed;
    const { address, trunk = retarget?.trunk } = routed;
    const mayUseTrunk = retarget?.isWithoutTrunk !== true && !(await this.#isForRouter(retarget));
    if (trunk !== undefined) return mayUseTrunk ? this.#byTrunk(search, open, trunk, address) : noLine;
    const target = await selectForwardingTarget(this.#room, branch.contact, address, retarget?.skipsCallOutCheck === true);
    if (isFault(target)) return target;
    if (target.kind === "home") return { places: [{ name: target.home }], address, calleeSubscriber: target.calleeSubscriber };
    if (target.trunk !== undefined) return mayUseTrunk ? this.#byTrunk(search, open, target.trunk, address) : noLine;
    if (uri.kind !== "sip") return noRelay;
    return this.#atDomain(search, open, uri, address);
  }

  /** A Contact of a phone's 3xx is as if its user called there: by the routes of the domain, as far as they lead to a user or a trunk. */
  async #routed({ request }: OpenContext, dialled: Address): Promise<Routed | Fault> {
    const { user, domain } = this.#room.home;
    const routed = await routeOf(this.#room, { method: request.method, caller: `${user}@${domain}` }, dialled);
    if (isFault(routed) || routed.kind === "address") return routed;
    const uri = routed.kind === "external" && routed.trunk !== undefined ? parseUri(routed.uri) : undefined;
    const address = uri === undefined || isFault(uri) ? undefined : addressFor(this.#room, uri);
    if (routed.kind !== "external" || routed.trunk === undefined || address === undefined) return notFollowed;
    return { address, trunk: routed.trunk };
  }

  /** Whether the router of the domain would have to decide on a number in a 3xx: it is not asked about that. */
  async #isForRouter(retarget: Retarget | undefined): Promise<boolean> {
    if (retarget?.cause !== "deflection") return false;
    const { directory, home } = this.#room;
    await directory.routes(home.domain);
    return directory.routerOf(home.domain) !== undefined;
  }

  /** At the servers of another domain; one of them may have connected to us. */
  async #atDomain(search: Search, open: OpenContext, uri: SipUri, address: Address): Promise<Found | Fault> {
    const peer = await this.#room.directory.peerFor(this.#room.home.domain, address.domain);
    const found = await hopsOf(search, uri);
    if (peer === undefined && isFault(found)) return found;
    const servers = isFault(found) ? [] : found;
    const own = await this.#trunksAt(search, servers);
    if (peer === undefined) return { ...own, places: servers, address, calleeSubscriber: undefined };
    const asserts = peer.isTrusted ? await this.#asserted(open) : undefined;
    const places = [{ name: nonSubscriberHome(peer), asserts, isPeer: true }, ...servers];
    return { ...own, places, address, calleeSubscriber: undefined };
  }

  /** The trunks of our domain that have one of these servers, and say which numbers they may call. */
  async #trunksAt(search: Search, places: readonly Place[]): Promise<Pick<Found, "trunksOfServer">> {
    const trunks = (await this.#room.directory.trunks(this.#room.home.domain)).filter(isSelective);
    const called = places.flatMap(({ name }) => endsOf(name));
    const trunksOfServer: Trunk[] = [];
    for (const trunk of trunks) {
      const found = await trunkHops(search, trunk, [0]);
      const ends = isFault(found) ? [] : found.flatMap(({ name }) => endsOf(name));
      if (ends.some((end) => called.includes(end))) trunksOfServer.push(trunk);
    }
    return { trunksOfServer };
  }

  /** By a trunk of our domain, under the name that it knows the user by. */
  async #byTrunk(search: Search, open: OpenContext, name: string, address: Address): Promise<Found | Fault> {
    const { directory, home, keyring } = this.#room;
    const trunk = (await directory.trunks(home.domain)).find((one) => one.name === name);
    if (trunk === undefined) return fault(500, "the trunk no longer exists");
    const line = randomFor(keyring, headerValue(open.request, "call-id") ?? "")(trunk.connections);
    const found = await trunkHops(search, trunk, [line]);
    if (isFault(found)) return found;
    const asserts = trunk.trusted ? await this.#asserted(open) : undefined;
    return { places: found.map((place) => ({ ...place, asserts })), address, calleeSubscriber: undefined, trunk };
  }

  /**
   * RFC 3325 §5: the caller's identity for trusted receivers. For a subscriber it is the address that the flow was authenticated for, or
   * the alias in From; for others it is what a trusted server has asserted.
   */
  async #asserted({ context: { search }, request }: OpenContext): Promise<Asserts | undefined> {
    const [user = "", domain = ""] = splitAtLast(search?.identity ?? "");
    const named = await this.#room.directory.find(user, domain);
    if (named.kind !== "subscriber") return (await this.#isDoubtful(search)) ? undefined : { identity: undefined };
    const from = senderOf(mandatoryHeadersOf(request));
    const isAlias = from !== undefined && !isFault(from) && from.domain === domain && named.subscriber.aliases.includes(from.user);
    return { identity: `${isAlias ? from.user : user}@${domain}` };
  }

  /** Whether the only assertion about the caller is ours: that the number of an untrusted trunk's caller is not verified. */
  async #isDoubtful({ identity = "", verification }: Partial<SearchState> = {}): Promise<boolean> {
    if (verification === undefined || verification.result === "passed") return false;
    const trunks = await this.#room.directory.trunks(splitAtLast(identity)[1]);
    return !trunks.some(({ name, trusted }) => trusted && isTrunkIdentity(identity) && name === trunkNamed(identity));
  }

  /** One branch finds its servers in the same order each time. */
  #searchFor({ context }: OpenContext, branch: ForkedBranch): Search {
    const { resolver, configuration, keyring } = this.#room;
    const random = randomFor(keyring, branchName(context.transaction, branch.index));
    return { resolver, networks: configuration.allowedNetworks, random };
  }
}

/** Whether a trunk says which numbers it may call. */
function isSelective({ allowed_destinations: allowed, forbidden_destinations: forbidden }: Trunk): boolean {
  return allowed !== undefined || forbidden !== undefined;
}

/** A server by its name and by its address: any port, because one provider has several. */
function endsOf(name: string): readonly string[] {
  const { host, address } = readHopName(name);
  return [host.toLowerCase(), address.toLowerCase()];
}

const notFollowed = fault(403, "a route of the domain leads elsewhere than the redirection");
const noLine = fault(403, "this call may not use the trunks of the domain");

/** The address that a URI names: one of a user, or of a domain. */
function addressFor({ keyring, home: { domain } }: Room, uri: Uri): Address | undefined {
  const unnamed = { instance: undefined, registration: undefined };
  if (uri.kind === "tel") return { user: dialledNumber(uri), domain, ...unnamed };
  if (uri.kind !== "sip") return undefined;
  return addressOf(keyring, uri) ?? (uri.user === undefined ? { user: "", domain: uri.host.toLowerCase(), ...unnamed } : undefined);
}

function splitAtLast(address: string): readonly [user: string, domain: string] {
  const at = address.lastIndexOf("@");
  return [address.slice(0, Math.max(0, at)), address.slice(at + 1)];
}
