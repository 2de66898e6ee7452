import { isDigits } from "../syntax/characters.ts";
import { isIpv6 } from "../syntax/uri.ts";

/** 4 or 16 octets. */
type Octets = readonly number[];

interface Network {
  readonly octets: Octets;
  /** In bits. */
  readonly length: number;
}

/** IPv4 networks without servers on the Internet (RFC 6890 §2.2.2 and its IANA registry; multicast: RFC 5771). */
const reserved4 = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private (RFC 1918)
  "100.64.0.0/10", // behind a carrier's NAT (RFC 6598)
  "127.0.0.0/8", // loopback
  "169.254.0.0/16", // link-local; the clouds' metadata
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // relays from IPv6 (RFC 7526)
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // for the future, and broadcast
].map(networkOf);

/** Only these are global unicast addresses (RFC 4291 §2.4, IANA): not `::1`, `fc00::/7`, `fe80::/10`, `ff00::/8`. */
const unicast6 = networkOf("2000::/3");

/** Exceptions among them (RFC 6890 §2.2.3). */
const reserved6 = [
  "2001::/23", // protocol assignments
  "2001:db8::/32", // documentation
  "3fff::/20", // documentation (RFC 9637)
].map(networkOf);

/** IPv6 networks that embed IPv4 addresses, the offsets of those, and whether their bits are inverted. */
const embeddings: readonly { readonly network: Network; readonly at: readonly (readonly [start: number, mask: number])[] }[] = [
  { network: networkOf("::ffff:0:0/96"), at: [[12, 0]] }, // IPv4-mapped (RFC 4291 §2.5.5.2)
  { network: networkOf("64:ff9b::/96"), at: [[12, 0]] }, // translated (RFC 6052 §2.1)
  { network: networkOf("2002::/16"), at: [[2, 0]] }, // 6to4 (RFC 3056 §2)
  {
    network: networkOf("2001::/32"),
    at: [
      [4, 0],
      [12, 0xff],
    ],
  }, // Teredo: the server, the client (RFC 4380 §4)
];

/**
 * Whether an address, numeric and without brackets, may be one of a server on the Internet. URIs and DNS records from unknown senders must
 * not lead to addresses that only we can reach. A text that is not an address, or is ambiguous, is not public.
 */
export function isPublicAddress(ip: string): boolean {
  const octets = octetsOf(ip);
  if (octets === undefined) return false;
  if (octets.length === 4) return isPublic4(octets);
  const embedding = embeddings.find(({ network }) => contains(network, octets));
  if (embedding !== undefined)
    return embedding.at.every(([start, mask]) => isPublic4(octets.slice(start, start + 4).map((octet) => octet ^ mask)));
  return contains(unicast6, octets) && !reserved6.some((network) => contains(network, octets));
}

/**
 * The first bits of an IPv6 address, by which its owner is known: a household has many addresses. IPv4 addresses are whole. A text that is
 * no address stays as it is.
 * @param bits a multiple of 8
 */
export function networkPrefix(ip: string, bits: number): string {
  const octets = octetsOf(ip);
  if (octets === undefined || octets.length === 4) return ip;
  const first = octets.slice(0, bits / 8);
  const groups = Array.from({ length: Math.ceil(bits / 16) }, (_, index) =>
    ((first[2 * index] ?? 0) * 256 + (first[2 * index + 1] ?? 0)).toString(16),
  );
  return groups.join(":");
}

/** Whether one of the operator's networks, `address/bits`, contains an address. */
export function allows(networks: readonly string[], ip: string): boolean {
  const octets = octetsOf(ip);
  return octets !== undefined && networks.some((network) => isNetwork(network) && contains(networkOf(network), octets));
}

/** Whether a text is a network, `address/bits`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits = "", ...more] = text.split("/");
  const octets = octetsOf(address);
  return octets !== undefined && more.length === 0 && isDigits(bits) && bits.length <= 3 && Number(bits) <= octets.length * 8;
}

/** The text must be a valid network. */
function networkOf(text: string): Network {
  const [address = "", bits] = text.split("/");
  return { octets: octetsOf(address) ?? [], length: Number(bits) };
}

function contains({ octets, length }: Network, address: Octets): boolean {
  if (octets.length !== address.length) return false;
  return octets.every((octet, index) => {
    const free = Math.min(8, Math.max(0, (index + 1) * 8 - length));
    return octet >> free === (address[index] ?? 0) >> free;
  });
}

function isPublic4(octets: Octets): boolean {
  return !reserved4.some((network) => contains(network, octets));
}

/** The octets of an address, numeric and without brackets; undefined if it is none. */
export function octetsOf(ip: string): Octets | undefined {
  return ip.includes(":") ? octetsOf6(ip) : octetsOf4(ip);
}

/** Without leading zeros, which some parsers read as octal. */
function octetsOf4(ip: string): Octets | undefined {
  const parts = ip.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
    ? parts.map(Number)
    : undefined;
}

function octetsOf6(ip: string): Octets | undefined {
  if (!isIpv6(ip)) return undefined;
  const [front = [], back = []] = ip.split("::").map(octetsOfGroups);
  const octets = [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back];
  return octets.includes(Number.NaN) ? undefined : octets;
}

function octetsOfGroups(groups: string): Octets {
  return groups.split(":").flatMap((group) => {
    if (group === "") return [];
    if (group.includes(".")) return octetsOf4(group) ?? [Number.NaN, 0, 0, 0];
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}
