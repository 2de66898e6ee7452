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
  let [isGivenUp, pongs] = [false, 0];
  const write = (octets: Uint8Array): Promise<void> =>
    writer.write(octets).catch((error: unknown) => {
      ignoreClosed(error);
      events.closed();
    });
  /** What has no answer may be asked for without end. */
  const pong = (): void => {
    if (pongs >= maxPongs) return;
    pongs += 1;
    void write(Buffer.from("\r\n")).then(() => (pongs -= 1));
  };
  void read(socket, { write, pong }, events, () => isGivenUp).then(close);
  return {
    localAddress: localAddress ?? "offhook.invalid",
    tellsAddress: true,
    tellsWritten: true,
    send: (octets) => void write(encodeBinary(framed(octets))).then(() => events.written()),
    ping: () => void write(Buffer.from("\r\n\r\n")),
    close,
    giveUp: () => {
      isGivenUp = true;
      void writer.abort(new Error("the server does not read")).catch(ignoreClosed);
      close();
    },
  };
}

/** Answers to keep-alives that wait until a server reads them. */
const maxPongs = 100;

interface Writers {
  write(octets: Uint8Array): Promise<void>;
  /** Answers a keep-alive. */
  pong(): void;
}

/** Until the stream ends, or cannot be parsed on. */
async function read(socket: Socket, { write, pong }: Writers, events: ChannelEvents, isGivenUp: () => boolean): Promise<void> {
  const reader = new StreamReader();
  try {
    for await (const octets of socket.readable as ReadableStream<Uint8Array>) {
      if (isGivenUp()) return;
      events.heard();
      const { messages, pings, broken } = reader.read(decodeBinary(octets.slice().buffer));
      if (pings > 0) pong();
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
