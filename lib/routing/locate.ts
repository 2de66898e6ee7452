import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { parameter } from "../syntax/parameters.ts";
import { isHost, type SipUri } from "../syntax/uri.ts";
import { orderServers } from "./order-servers.ts";
import { type Ask, canonicalName, type Inquiry, type Known, look, openInquiry, type SrvRecord } from "./question.ts";
import {
  defaultPort,
  defaultTransport,
  goesByName,
  permittedTransports,
  serviceName,
  type Transport,
  transportOfService,
} from "./transport.ts";

/** One server to send a request to. */
export interface Hop {
  readonly transport: Transport;
  /**
   * The name that the certificate must have: that of the URI, not of the DNS (RFC 5922 §7.3). For a WebSocket the server's own name, which
   * is used for the connection and its certificate (RFC 7118 §5.5, RFC 6455 §4.1).
   */
  readonly host: string;
  /** Numeric, without brackets; in a private network the host. */
  readonly address: string;
  readonly port: number;
  /** The binding of the private network in which the server is; absent: the internet. */
  readonly network?: string;
}

export interface Hops {
  readonly kind: "hops";
  /** At least one, best first. */
  readonly hops: readonly Hop[];
}

export interface LocateOptions {
  /** The transports that we support, preferred first. */
  readonly transports: readonly Transport[];
  /** Returns one of the integers 0 … n - 1. */
  readonly random: (n: number) => number;
}

/** SRV records under a name, for a transport. */
interface Service {
  readonly transport: Transport;
  readonly name: string;
}

interface ServiceRecords {
  readonly transport: Transport;
  readonly records: readonly SrvRecord[];
}

interface Server {
  readonly transport: Transport;
  readonly name: string;
  readonly port: number;
}

/** A domain to search, the permitted transports, and the default one. */
interface Search {
  readonly uri: SipUri;
  readonly domain: string;
  readonly permitted: readonly Transport[];
  readonly usual: Transport;
}

// Limits the questions and attempts that the DNS of an unknown domain can cause.
const maxServices = 3;
/** For one service. */
const maxServers = 5;
const maxHops = 16;

/**
 * The servers for a URI (RFC 3263 §4). Returns questions until it knows enough: answer them and call it again. There is no loop: NAPTR
 * records lead to SRV records, and these to addresses. If a lookup fails, the next alternative is tried. The fault is 404 if the DNS has no
 * server (RFC 3261 §21.4.5), and 503 if a lookup failed or no transport fits (RFC 3261 §8.1.3.1).
 */
export function locate(uri: SipUri, known: Known, options: LocateOptions): Ask | Hops | Fault {
  const target = targetOf(uri);
  if (isFault(target)) return target;
  if (uri.port === 0) return fault(400, "the URI has port 0");
  const permitted = permittedTransports(uri, options.transports);
  const usual = defaultTransport(uri, permitted);
  if (usual === undefined) return fault(503, "the URI permits none of our transports");
  const address = numericAddress(target);
  if (address !== undefined)
    return { kind: "hops", hops: [{ transport: usual, host: address, address, port: uri.port ?? defaultPort(usual) }] };

  const inquiry = openInquiry(known);
  const hops =
    uri.port === undefined
      ? hopsOfDomain(inquiry, { uri, domain: target, permitted, usual }, options.random)
      : hopsOf(inquiry, { transport: usual, name: target, port: uri.port }, target);
  if (inquiry.missing.length > 0) return { kind: "ask", questions: inquiry.missing };
  if (hops.length > 0) return { kind: "hops", hops: notTooMany(hops) };
  return inquiry.hasFailed
    ? fault(503, "the domain of the URI could not be looked up")
    : fault(404, "the domain of the URI has no SIP server");
}

/** A server that is connected to by name keeps all its addresses: the platform chooses among them. */
function notTooMany(hops: readonly Hop[]): readonly Hop[] {
  const first = hops.slice(0, maxHops);
  const isOfThese = (hop: Hop): boolean => goesByName(hop.transport) && first.some(({ host }) => host === hop.host);
  return [...first, ...hops.slice(maxHops).filter(isOfThese)];
}

/** "If the URI contains a maddr parameter", that, otherwise the host (RFC 3263 §4). */
function targetOf(uri: SipUri): string | Fault {
  const maddr = parameter(uri.parameters, "maddr");
  if (maddr === undefined) return uri.host;
  return isHost(maddr) ? maddr : fault(400, "the maddr parameter is not a host");
}

/** A host in brackets, or of digits and dots with a digit at the end, is not a name (see isHost). */
function numericAddress(host: string): string | undefined {
  if (host.startsWith("[")) return host.slice(1, -1).toLowerCase();
  return /^[\d.]*\d$/.test(host) ? host : undefined;
}

/** The result is meaningless while answers are missing. */
function hopsOfDomain(inquiry: Inquiry, { uri, domain, permitted, usual }: Search, random: LocateOptions["random"]): readonly Hop[] {
  // RFC 3263 §4.1: NAPTR, if the URI names no transport; "if no NAPTR records are found", each transport that we support.
  const isSaid = parameter(uri.parameters, "transport") !== undefined;
  const told = isSaid ? [] : applicableServices(inquiry, domain, permitted);
  if (inquiry.missing.length > 0) return [];
  const services = told.length > 0 ? told : permitted.map((transport) => ({ transport, name: serviceName(transport, domain) }));
  // RFC 3263 §4.2: SRV.
  const found = services.map((service) => recordsOf(inquiry, service));
  if (inquiry.missing.length > 0) return [];
  // "If no SRV records were found, the client performs an A or AAAA record lookup of the domain name."
  const transport = told[0]?.transport ?? usual;
  const hasRecords = found.some(({ records }) => records.length > 0);
  const itself = { transport, name: domain, port: defaultPort(transport) };
  const servers = hasRecords ? found.flatMap((service) => serversOf(service, random)) : [itself];
  return servers.flatMap((server) => hopsOf(inquiry, server, domain));
}

/**
 * "The client discards any records whose services fields are not applicable"; of the others only the lowest order counts (RFC 3403 §4.1).
 */
function applicableServices(inquiry: Inquiry, domain: string, permitted: readonly Transport[]): readonly Service[] {
  const applicable = look(inquiry, domain, "NAPTR").flatMap(({ order, preference, flags, services, replacement }) => {
    const transport = flags.toLowerCase() === "s" ? transportOfService(services, permitted) : undefined;
    return transport === undefined ? [] : [{ transport, name: replacement, order, preference }];
  });
  const lowest = Math.min(...applicable.map(({ order }) => order));
  return applicable
    .filter(({ order }) => order === lowest)
    .sort((one, other) => one.preference - other.preference || permitted.indexOf(one.transport) - permitted.indexOf(other.transport))
    .slice(0, maxServices);
}

/** The SRV records of a service, in the order of attempts, up to a maximum; a record that there is no server is one of them. */
function recordsOf(inquiry: Inquiry, { transport, name }: Service): ServiceRecords {
  const records = look(inquiry, name, "SRV").toSorted((one, other) => one.priority - other.priority);
  return { transport, records: records.slice(0, maxServers) };
}

function serversOf({ transport, records }: ServiceRecords, random: LocateOptions["random"]): readonly Server[] {
  return orderServers(records.filter(isAvailable), random).map(({ target, port }) => ({ transport, name: target, port }));
}

/** RFC 2782: "A Target of "." means that the service is decidedly not available at this domain." */
function isAvailable({ target, port }: SrvRecord): boolean {
  return canonicalName(target) !== "" && port !== 0;
}

/** Addresses of both families, as RFC 7984 §3.1 has it; IPv6 first (RFC 6724 §2.1). */
function hopsOf(inquiry: Inquiry, server: Server, host: string): readonly Hop[] {
  const addresses = [...look(inquiry, server.name, "AAAA"), ...look(inquiry, server.name, "A")];
  const { transport, port } = server;
  const name = canonicalName(goesByName(transport) ? server.name : host);
  return addresses.map(({ address }) => ({ transport, host: name, address, port }));
}
