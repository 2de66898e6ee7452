import { hopName } from "../../lib/routing/hop-name.ts";
import { type Hop, locate } from "../../lib/routing/locate.ts";
import { allows, isPublicAddress } from "../../lib/routing/network.ts";
import { isPortForCalls } from "../../lib/routing/port.ts";
import { orderFairly } from "../../lib/routing/order-servers.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { defaultPort, goesByName, permittedTransports } from "../../lib/routing/transport.ts";
import { type SipUri, parseUri } from "../../lib/syntax/uri.ts";
import type { Resolver } from "../../platform/dns/resolver.ts";

/** An object that requests can go to. */
export interface Place {
  readonly name: string;
  /** The URI of the trunk's server that it leads to. */
  readonly server?: string;
}

/** The settings for looking up servers. */
export interface Search {
  readonly resolver: Resolver;
  /** CIDR: private networks that calls may go to. */
  readonly networks: readonly string[];
  /** Returns one of the integers 0 … n - 1. */
  readonly random: (n: number) => number;
}

/** The owner of the connections, and which of them to each server. */
interface Lines {
  readonly trunk: string;
  readonly lines: readonly number[];
}

/** The servers of a domain (RFC 3263), best first, as the names of the objects that hold the connections to them. */
export async function hopsOf(
  { resolver, networks, random }: Search,
  uri: SipUri,
  { trunk, lines }: Lines = { trunk: "", lines: [0] },
): Promise<readonly Place[] | Fault> {
  const located = await resolver.settle((known) => locate(uri, known, { transports: ["tls", "tcp", "wss", "ws"], random }));
  if (isFault(located)) return located;
  // An administrator may use any port.
  const hops = trunk === "" ? located.hops.filter(({ port }) => isPortForCalls(port)) : located.hops;
  const [refused] = located.hops;
  if (hops.length === 0 && refused !== undefined) return fault(403, `calls to port ${refused.port} are not allowed`);
  // A server that is connected to by name is looked up once more by the platform, where a local name would lead to this machine.
  const isOwn = trunk === "" && networks.length === 0 && hops.some(({ host, transport }) => goesByName(transport) && isLocalName(host));
  if (isOwn) return fault(403, "the server is in a network that calls may not go to");
  const names = new Set(allowedHops(hops, networks).flatMap((hop) => lines.map((line) => hopName(hop, trunk, line))));
  return names.size > 0 ? [...names].map((name) => ({ name })) : fault(403, "the server is in a network that calls may not go to");
}

function isLocalName(host: string): boolean {
  return /(?:^|\.)(?:localhost|local|internal|home\.arpa)\.?$/i.test(host) || !host.replace(/\.$/, "").includes(".");
}

/** For a server that is connected to by name all addresses must be allowed: the platform chooses among them. */
function allowedHops(hops: readonly Hop[], networks: readonly string[]): readonly Hop[] {
  const isAllowed = ({ address }: Hop): boolean => isPublicAddress(address) || allows(networks, address);
  return hops.flatMap((hop) => {
    if (!goesByName(hop.transport)) return isAllowed(hop) ? [hop] : [];
    return hops.every((other) => other.host !== hop.host || isAllowed(other)) ? [{ ...hop, address: hop.host }] : [];
  });
}

/**
 * The places of a trunk's servers, by priority and weight (RFC 2782). A trunk has its own connections, which only its calls use. A server
 * that cannot be found is left out; if none is found, the fault is that of the first.
 * @param lines which of the trunk's connections to each server
 */
export async function trunkHops(
  search: Search,
  { servers, name, domain, network }: Trunk,
  lines: readonly number[],
): Promise<readonly Place[] | Fault> {
  const ordered = orderFairly(servers, search.random);
  const of = { trunk: `${name}@${domain}`, lines };
  const found = await Promise.all(
    ordered.map(({ uri }) => (network === undefined ? placesOf(search, uri, of) : placesInNetwork(network, uri, of))),
  );
  const places = found.flatMap((one) => (isFault(one) ? [] : one));
  return places.length > 0 ? places : (found.find(isFault) ?? fault(500, "the trunk has no server"));
}

/** The network itself finds the server: our DNS does not know its names. */
function placesInNetwork(network: string, server: string, { trunk, lines }: Lines): readonly Place[] | Fault {
  const uri = parseUri(server);
  if (isFault(uri) || uri.kind !== "sip") return fault(500, "the trunk's server is not a SIP URI");
  const [transport] = permittedTransports(uri, ["tcp"]);
  if (transport === undefined) return fault(503, "servers in a private network are connected to over TCP");
  const hop = { transport, host: uri.host, address: uri.host, port: uri.port ?? defaultPort(transport), network };
  return lines.map((line) => ({ name: hopName(hop, trunk, line), server }));
}

async function placesOf(search: Search, server: string, lines: Lines): Promise<readonly Place[] | Fault> {
  const uri = parseUri(server);
  if (isFault(uri) || uri.kind !== "sip") return fault(500, "the trunk's server is not a SIP URI");
  const places = await hopsOf(search, uri, lines);
  return isFault(places) ? places : places.map(({ name }) => ({ name, server }));
}
