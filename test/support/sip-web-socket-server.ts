import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { compose } from "./compose.ts";
import { copiedLines } from "./dialog.ts";
import { createReceivedMessages } from "./received-messages.ts";
import type { SipServer } from "./sip-server.ts";

type Shared = "port" | "next" | "rest" | "reply" | "send" | "connections" | "deafen" | "hearAgain" | "cut" | "close";

export interface WebSocketSipServer extends Pick<SipServer, Shared> {
  /** What the upgrades asked for: resource and subprotocol. */
  readonly upgrades: readonly string[];
}

export interface WebSocketSipServerOptions {
  /** TLS, if there is one. */
  readonly certificate?: { readonly key: Buffer; readonly cert: Buffer };
  /** "sip" if absent. */
  readonly subprotocol?: string;
}

/** Another SIP server, over WebSocket (RFC 7118): it says what the test wants, and answers nothing by itself. */
export async function startWebSocketSipServer(options: WebSocketSipServerOptions = {}): Promise<WebSocketSipServer> {
  const { certificate, subprotocol = "sip" } = options;
  const ears = createReceivedMessages("the other server");
  const sockets: WebSocket[] = [];
  const upgrades: string[] = [];
  const server = certificate === undefined ? createServer() : createSecureServer(certificate);
  const webSockets = new WebSocketServer({ server, handleProtocols: () => subprotocol });
  webSockets.on("connection", (socket, request) => {
    upgrades.push(`${request.url} ${request.headers["sec-websocket-protocol"]}`);
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.splice(sockets.indexOf(socket), 1));
    socket.on("message", (octets: Buffer, isBinary: boolean) => ears.hear(octets.toString(isBinary ? "latin1" : "utf8"), isBinary));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const send = (text: string): void => sockets.at(-1)?.send(text);
  return {
    port: (server.address() as AddressInfo).port,
    upgrades,
    next: ears.next,
    rest: ears.rest,
    reply: (request, status, lines = [], body = "") =>
      send(compose(`SIP/2.0 ${status} Whatever`, [...copiedLines(request, "theirs"), ...lines], body)),
    send,
    connections: () => sockets.length,
    deafen: () => sockets.forEach((socket) => socket.pause()),
    hearAgain: () => sockets.forEach((socket) => socket.resume()),
    cut: () => {
      for (const socket of [...sockets]) socket.terminate();
    },
    close: () => {
      for (const socket of [...sockets]) socket.terminate();
      webSockets.close();
      server.close();
    },
  };
}
