import { connect } from "cloudflare:sockets";
import type { Hop } from "../../lib/routing/locate.ts";
import { StreamReader } from "../../lib/transport/stream.ts";
import { decodeBinary, encodeBinary } from "../room/bytes.ts";
import { type Channel, type ChannelEvents, type Frame, patience, within } from "./channel.ts";

/**
 * Opens a TCP or TLS connection to the address that was resolved and checked; over TLS the certificate must be the domain's.
 * DEVIATION(RFC 5922 §7.1): by its DNS names; SIP URIs in it cannot be read on the platform.
 */
export async function openStream(hop: Hop, events: ChannelEvents): Promise<Channel> {
  const isSecure = hop.transport === "tls";
  const plain = connect(
    { hostname: hop.address, port: hop.port },
    { secureTransport: isSecure ? "starttls" : "off", allowHalfOpen: false },
  );
  const socket = isSecure ? plain.startTls({ expectedServerHostname: hop.host }) : plain;
  const { localAddress } = await within(patience, socket.opened, `${hop.host} did not answer`);
  const writer = socket.writable.getWriter();
  const write = async (octets: Uint8Array): Promise<void> => {
    try {
      await writer.write(octets);
    } catch (error) {
      ignoreClosed(error);
      events.closed();
    }
  };
  void read(socket, (octets) => void write(octets), events);
  return {
    localAddress: localAddress ?? "offhook.invalid",
    tellsAddress: true,
    send: ({ text, binary }) => void write(binary ? encodeBinary(text) : new TextEncoder().encode(text)),
    close: () => void socket.close().catch(ignoreClosed),
  };
}

async function read(socket: Socket, write: (octets: Uint8Array) => void, events: ChannelEvents): Promise<void> {
  const reader = new StreamReader();
  try {
    for await (const octets of socket.readable as ReadableStream<Uint8Array>) {
      events.heard();
      const found = reader.read(decodeBinary(octets.slice().buffer));
      if (found === undefined) break;
      if (found.pings > 0) write(Buffer.from("\r\n"));
      for (const text of found.messages) events.message(asFrame(text));
    }
  } catch (error) {
    ignoreClosed(error);
  }
  events.closed();
}

/** Octets as the text they are, if they are UTF-8: then phones get a text frame, as all of them expect. */
function asFrame(octets: string): Frame {
  // oxlint-disable-next-line no-control-regex -- the ASCII range is what is asked for
  if (/^[\x00-\x7f]*$/.test(octets)) return { text: octets, binary: false };
  const bytes = Buffer.from(octets, "latin1");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? { text, binary: false } : { text: octets, binary: true };
}

/** What streams throw when the other side has gone: the end of the connection is handled where it is noticed. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}
