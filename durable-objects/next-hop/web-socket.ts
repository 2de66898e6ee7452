import { writtenHost } from "../../lib/routing/hop-name.ts";
import type { Hop } from "../../lib/routing/locate.ts";
import { isTooLong, tooLongFrame } from "../../lib/transport/frame-limit.ts";
import { frameFor, octetsIn } from "../../platform/bytes.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";
import { within } from "../../platform/within.ts";
import { type Channel, type ChannelEvents, patience } from "./channel.ts";

/** Neither a URI nor a DNS record names the resource (RFC 7118 §5.5); this is our own, and most servers accept any. */
const usualPath = "/ws";

/** Answers to keep-alives: at once, and in a second. The platform needs memory for each until the server reads it. */
const maxPongs = [100, 1] as const;

/** How the upgrade asks. */
export interface Upgrade {
  /** The resource, with a slash first; absent: `/ws`. */
  readonly path?: string | undefined;
  /** A bearer token for the server (RFC 6750 §2.1). */
  readonly token: string | undefined;
}

/**
 * Opens a WebSocket to another server (RFC 7118 §4). It connects by name, as the platform offers nothing else: the name is looked up again
 * after its addresses were checked.
 */
export async function openWebSocket(hop: Hop, events: ChannelEvents, { path = usualPath, token }: Upgrade): Promise<Channel> {
  const scheme = hop.transport === "wss" ? "https" : "http";
  const opening = fetch(`${scheme}://${writtenHost(hop.host)}:${hop.port}${path}`, {
    headers: {
      Upgrade: "websocket",
      "Sec-WebSocket-Protocol": "sip",
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    // A redirect could lead to any address.
    redirect: "manual",
  });
  const response = await within(patience, opening, `${hop.host} did not answer`).catch((error: unknown) => {
    // A connection that opens too late is closed.
    void opening.then(({ webSocket }) => (webSocket?.accept(), webSocket?.close(1000)), ignoreFailed);
    throw error;
  });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`${hop.host} answered ${response.status} to the upgrade`);
  socket.binaryType = "arraybuffer";
  socket.accept();
  if (response.headers.get("Sec-WebSocket-Protocol")?.toLowerCase() !== "sip") {
    socket.close(1002, "the subprotocol sip is required");
    throw new Error(`${hop.host} does not support SIP over WebSocket`);
  }
  const pongs = new TokenBucket(...maxPongs);
  socket.addEventListener("message", ({ data }) => {
    if (isTooLong(data as string | ArrayBuffer)) {
      socket.close(tooLongFrame.code, tooLongFrame.reason);
      return events.closed();
    }
    events.heard();
    const octets = octetsIn(data as string | ArrayBuffer);
    // RFC 5626 §4.4.1.
    if (octets === "\r\n\r\n") {
      if (pongs.take(Date.now())) socket.send("\r\n");
    } else if (octets.trim() !== "") events.message(octets);
  });
  socket.addEventListener("close", () => events.closed());
  socket.addEventListener("error", () => events.closed());
  const send = (octets: string): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(frameFor(octets, false));
  };
  return {
    localAddress: `${randomText()}.invalid`,
    tellsAddress: false,
    tellsWritten: false,
    send,
    ping: () => send("\r\n\r\n"),
    close: () => socket.close(1000, "nothing is under way"),
    giveUp: () => socket.close(1008, "the server does not read"),
  };
}

/** The failure is already known. */
function ignoreFailed(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}
