import { connect } from "cloudflare:sockets";
import { within } from "./within.ts";

/** The other end of a connection. */
export interface TcpTarget {
  /** A name, or an address; that of IPv6 in brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The DNS name in the certificate of the other end; undefined: without TLS. */
  readonly certified: string | undefined;
  /** The private network in which it is; absent: the internet. */
  readonly network?: Fetcher;
}

export interface OpenTcp {
  readonly socket: Socket;
  /** The platform's name for our end, if it has one. */
  readonly localAddress: string | undefined;
}

/**
 * Opens a connection over TCP or TLS.
 * @param patience milliseconds
 * @throws Error if it is not open in time; then it is closed
 */
export async function openTcp({ hostname, port, certified, network }: TcpTarget, patience: number): Promise<OpenTcp> {
  const open: typeof connect = network === undefined ? connect : (address, options) => network.connect(address, options);
  const plain = open({ hostname, port }, { secureTransport: certified === undefined ? "off" : "starttls", allowHalfOpen: false });
  const socket = certified === undefined ? plain : plain.startTls({ expectedServerHostname: certified });
  try {
    const { localAddress } = await within(patience, socket.opened, `${certified ?? hostname} did not answer`);
    return { socket, localAddress };
  } catch (error) {
    void socket.close().catch(ignoreClosed);
    throw error;
  }
}

/** Errors of streams when the other side has closed: the end of the connection is handled elsewhere. */
export function ignoreClosed(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}
