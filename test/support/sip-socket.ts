import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket, type ClientOptions } from "ws";
import { checkNotification } from "./documents.ts";
import { createReceivedMessages, type SipSocket } from "./received-messages.ts";

export interface SocketOptions {
  /** "sip" if absent, none if "", several with commas between. */
  readonly subprotocol?: string;
  /** What a browser would say; absent outside browsers. */
  readonly origin?: string;
  /** Text goes out in binary frames (RFC 7118 §5 allows both). */
  readonly isBinary?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Documents that come are not checked against their schemas: where time is measured, or the server is not ours. */
  readonly isTrusting?: boolean;
}

/** Milliseconds that a closed connection may linger: workerd lets one go after 10 s on which a home never heard anything. */
const closeTimeout = 200;

/** A socket that can be closed as no client should. */
export interface OpenSocket extends SipSocket {
  /** Sends a Close frame with this payload (RFC 6455 §5.5.1), whatever it is; the answer is not judged. */
  closeRaw(payload: Uint8Array): void;
  /** Reads nothing any more, so that it never answers a Close frame, but goes on sending. */
  deafen(): void;
  /** Reads again, and what has come meanwhile. */
  hearAgain(): void;
}

/** @param owner whose name a failing test shows */
export async function openSocket(url: string, owner: string, options: SocketOptions = {}): Promise<OpenSocket> {
  const socket = connect(url, options);
  const ears = createReceivedMessages(owner, options.isTrusting === true ? undefined : checkNotification);
  let connection: Socket | undefined;
  socket.on("upgrade", (response) => (connection = response.socket));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  socket.on("message", (octets: Buffer, isBinary: boolean) => ears.hear(octets.toString(isBinary ? "latin1" : "utf8"), isBinary));
  await once(socket, "open");
  return {
    send: (frame) => socket.send(typeof frame === "string" && options.isBinary === true ? Buffer.from(frame) : frame),
    ...ears,
    close: (code, reason) => socket.close(code, reason),
    closeRaw: (payload) => {
      socket.on("error", () => socket.terminate());
      // Masked, with a mask of zeros.
      connection?.write(Buffer.concat([Buffer.from([0x88, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
    },
    deafen: () => socket.pause(),
    hearAgain: () => socket.resume(),
    cut: () => socket.terminate(),
    closed,
  };
}

/** What the server says to an upgrade it refuses. */
export async function refusedUpgrade(
  url: string,
  options: SocketOptions = {},
): Promise<{ status: number; headers: IncomingMessage["headers"]; body: string }> {
  const socket = connect(url, options);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

function connect(url: string, { subprotocol = "sip", origin, headers = {} }: SocketOptions): WebSocket {
  const options: ClientOptions & { readonly closeTimeout: number } = { headers, closeTimeout, ...(origin === undefined ? {} : { origin }) };
  return new WebSocket(url, subprotocol.split(",").filter(Boolean), options);
}
