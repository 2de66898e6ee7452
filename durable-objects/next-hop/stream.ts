import { writtenHost } from "../../lib/routing/hop-name.ts";
import type { Hop } from "../../lib/routing/locate.ts";
import { StreamReader, framed } from "../../lib/transport/stream.ts";
import { decodeBinary, encodeBinary } from "../../platform/bytes.ts";
import { answerUnmeasured } from "../shared/reply.ts";
import { ignoreClosed, openTcp } from "../../platform/tcp.ts";
import type { NetworkOf } from "../../platform/private-network.ts";
import { type Channel, type ChannelEvents, patience } from "./channel.ts";

/**
 * Opens a TCP or TLS connection to the address that was resolved and checked. Over TLS the certificate must be the domain's.
 * DEVIATION(RFC 5922 §7.1): by its DNS names; the platform cannot read SIP URIs in it.
 * @throws Error if it is not open in time, or the deployment has no such network
 */
export async function openStream(hop: Hop, events: ChannelEvents, networkOf: NetworkOf): Promise<Channel> {
  const certified = hop.transport === "tls" ? hop.host : undefined;
  const of = hop.network === undefined ? {} : { network: networkOf(hop.network) };
  const { socket, localAddress } = await openTcp({ hostname: writtenHost(hop.address), port: hop.port, certified, ...of }, patience);
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
