import { connect } from "cloudflare:sockets";
import { writtenHost } from "../../lib/routing/hop-name.ts";
import type { Hop } from "../../lib/routing/locate.ts";
import { StreamReader, framed } from "../../lib/transport/stream.ts";
import { decodeBinary, encodeBinary } from "../../platform/bytes.ts";
import { answerUnmeasured } from "../shared/reply.ts";
import { type Channel, type ChannelEvents, patience, within } from "./channel.ts";

/**
 * Opens a TCP or TLS connection to the address that was resolved and checked; over TLS the certificate must be the domain's.
 * DEVIATION(RFC 5922 §7.1): by its DNS names; SIP URIs in it cannot be read on the platform.
 */
export async function openStream(hop: Hop, events: ChannelEvents): Promise<Channel> {
  const isSecure = hop.transport === "tls";
  const plain = connect(
    { hostname: writtenHost(hop.address), port: hop.port },
    { secureTransport: isSecure ? "starttls" : "off", allowHalfOpen: false },
  );
  const socket = isSecure ? plain.startTls({ expectedServerHostname: hop.host }) : plain;
  const { localAddress } = await openedOf(socket, hop);
  const writer = socket.writable.getWriter();
  const close = (): void => void socket.close().catch(ignoreClosed);
  let waiting = 0;
  let isGivenUp = false;
  /** For a server that does not read, messages would fill our memory: those that wait are dropped, and the connection is closed. */
  const giveUp = (): void => {
    if (isGivenUp) return;
    isGivenUp = true;
    void writer.abort(new Error("the server does not read")).catch(ignoreClosed);
    close();
    events.closed();
  };
  const write = async (octets: Uint8Array): Promise<void> => {
    waiting += octets.length;
    if (waiting > maxWaiting) return giveUp();
    try {
      await writer.write(octets);
      waiting -= octets.length;
    } catch (error) {
      ignoreClosed(error);
      events.closed();
    }
  };
  void read(socket, write, events, () => isGivenUp).then(close);
  return {
    localAddress: localAddress ?? "offhook.invalid",
    tellsAddress: true,
    send: (octets) => void write(encodeBinary(framed(octets))),
    close,
  };
}

/** Maximum octets that wait until a server reads them. */
const maxWaiting = 8_388_608;

/** @throws Error if it is not open in time; then it is closed */
async function openedOf(socket: Socket, { host }: Hop): Promise<SocketInfo> {
  try {
    return await within(patience, socket.opened, `${host} did not answer`);
  } catch (error) {
    void socket.close().catch(ignoreClosed);
    throw error;
  }
}

/** Until the stream ends, or cannot be parsed on. */
async function read(
  socket: Socket,
  write: (octets: Uint8Array) => Promise<void>,
  events: ChannelEvents,
  isGivenUp: () => boolean,
): Promise<void> {
  const reader = new StreamReader();
  try {
    for await (const octets of socket.readable as ReadableStream<Uint8Array>) {
      if (isGivenUp()) return;
      events.heard();
      const { messages, pings, broken } = reader.read(decodeBinary(octets.slice().buffer));
      if (pings > 0) void write(Buffer.from("\r\n"));
      for (const text of messages) events.message(text);
      if (broken === undefined) continue;
      const answer = answerUnmeasured(broken);
      if (answer !== undefined) await write(encodeBinary(framed(answer)));
      break;
    }
  } catch (error) {
    ignoreClosed(error);
  }
  events.closed();
}

/** Errors of streams when the other side has closed: the end of the connection is handled elsewhere. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}
