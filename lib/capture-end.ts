import { octetsOf } from "./routing/network.ts";
import { numberHash } from "./syntax/plain-hash.ts";

/** Where a message of a capture was sent from, or to. */
export interface CaptureEnd {
  /** 4 or 16 octets. */
  readonly address: readonly number[];
  readonly port: number;
}

const sipPort = 5060;
/** Ports above the well-known ones. */
const [firstPort, ports] = [1024, 64_512] as const;
/** An address for documentation (RFC 5737), and one for IPv6 (RFC 3849): the platform has none of its own for an object. */
const server4 = [192, 0, 2, 1] as const;
const server6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] as const;

/** The end of the server, in the family of the other end's address. */
export function serverEnd({ address }: CaptureEnd): CaptureEnd {
  return { address: address.length === server6.length ? server6 : server4, port: sipPort };
}

/** The end of another server. @param address numeric, without brackets */
export function otherServerEnd(flow: string, address: string, port: number): CaptureEnd {
  return { address: octetsOf(address) ?? inventedAddress(flow), port };
}

/**
 * The end of a client. The platform gives no port, and not always an address: these follow from the name of the connection, so that they are
 * the same wherever it is seen. The networks for such addresses are those for benchmarks (RFC 2544).
 * @param known its address, of an IPv6 address the beginning
 */
export function clientEnd(flow: string, known = ""): CaptureEnd {
  const address = octetsOf(known) ?? octetsOf(`${known}::`);
  const isNamed = known !== "" && address !== undefined;
  return { address: isNamed ? address : inventedAddress(flow), port: firstPort + (numberHash(`port ${flow}`) % ports) };
}

function inventedAddress(flow: string): readonly number[] {
  const number = numberHash(flow);
  return [198, 18 + ((number >>> 16) & 1), (number >>> 8) & 255, number & 255];
}
