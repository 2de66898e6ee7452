import { listenOnOwnPort } from "./own-port.ts";
import { once } from "node:events";
import { type AddressInfo, type Socket, createServer } from "node:net";
import { compose } from "./compose.ts";
import { copiedLines } from "./dialog.ts";
import { createReceivedMessages, type Match } from "./received-messages.ts";
import { type ReceivedMessage, header, readReceivedMessage } from "./received-message.ts";

/** Another SIP server, over TCP: it answers OPTIONS by itself, and else says what the test wants. */
export interface SipServer {
  readonly port: number;
  /** What it answers to OPTIONS; 0: nothing. */
  health: number;
  /** What came between messages: pings and pongs (RFC 5626 §4.4.1). */
  readonly keepAlives: readonly string[];
  /** The OPTIONS that it has heard. */
  readonly asked: readonly ReceivedMessage[];
  next(match: Match, narrowing?: { readonly method?: string; readonly milliseconds?: number }): Promise<ReceivedMessage>;
  rest(): readonly ReceivedMessage[];
  /** A response on the newest connection. */
  reply(request: ReceivedMessage, status: number, lines?: readonly string[], body?: string): void;
  /** A response on the connection from `127.0.0.1:port`. */
  replyAt(peer: string, request: ReceivedMessage, status: number, lines?: readonly string[], body?: string): void;
  /** Anything, on the newest connection. */
  send(text: string): void;
  /** Connections that are open. */
  connections(): number;
  /** How many have come to an end until now. */
  ended(): number;
  /** Where they come from, `127.0.0.1:port`. */
  peers(): readonly string[];
  /** Cuts all connections, and takes new ones. */
  cut(): void;
  /** Reads nothing, until it hears again. */
  deafen(): void;
  hearAgain(): void;
  /** Takes no new connections. */
  shut(): void;
  close(): void;
}

/**
 * @param port a free one if absent
 * @param address of this machine
 */
export async function startSipServer(port = 0, address = "127.0.0.1"): Promise<SipServer> {
  const ears = createReceivedMessages("the other server");
  const sockets: Socket[] = [];
  let ended = 0;
  const asked: ReceivedMessage[] = [];
  const keepAlives: string[] = [];
  const replyBy = (
    socket: Socket | undefined,
    request: ReceivedMessage,
    status: number,
    lines: readonly string[] = [],
    body = "",
  ): void => {
    // RFC 3581 §4: it tells where it sees the sender.
    const { remoteAddress, remotePort } = socket ?? {};
    const told = copiedLines(request, "theirs").map((line, index) =>
      index === 0 ? `${line.replace(/;rport(?!=)/, `;rport=${remotePort}`)};received=${remoteAddress}` : line,
    );
    socket?.write(compose(`SIP/2.0 ${status} Whatever`, [...told, ...lines], body));
  };
  const send = (text: string): void => void sockets.at(-1)?.write(text);
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.splice(sockets.indexOf(socket), 1);
      ended += 1;
    });
    let rest = "";
    socket.on("data", (octets) => {
      rest += octets.toString("latin1");
      for (;;) {
        rest = rest.replace(/^(?:\r\n)+/, (found) => {
          keepAlives.push(found);
          return "";
        });
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = Number(/\r\ncontent-length:\s*(\d+)/i.exec(rest.slice(0, end + 2))?.[1] ?? 0);
        if (rest.length < end + 4 + length) return;
        const raw = rest.slice(0, end + 4 + length);
        rest = rest.slice(raw.length);
        const heard = readReceivedMessage(raw, false);
        if (heard.method === "OPTIONS" && header(heard, "max-forwards") === "0") {
          asked.push(heard);
          if (self.health > 0) replyBy(socket, heard, self.health);
        } else ears.hear(raw, false);
      }
    });
  });
  if (port === 0) await listenOnOwnPort(server, address);
  else await once(server.listen(port, address), "listening");
  const self: SipServer = {
    health: 200,
    asked,
    keepAlives,
    port: (server.address() as AddressInfo).port,
    next: ears.next,
    rest: ears.rest,
    reply: (request, status, lines, body) => replyBy(sockets.at(-1), request, status, lines, body),
    replyAt: (peer, request, status, lines, body) => {
      const by = sockets.find(({ remoteAddress, remotePort }) => `${remoteAddress}:${remotePort}` === peer);
      replyBy(by, request, status, lines, body);
    },
    send,
    connections: () => sockets.length,
    ended: () => ended,
    peers: () => sockets.map(({ remoteAddress, remotePort }) => `${remoteAddress}:${remotePort}`),
    cut: () => {
      for (const socket of [...sockets]) socket.destroy();
    },
    deafen: () => sockets.forEach((socket) => socket.pause()),
    hearAgain: () => sockets.forEach((socket) => socket.resume()),
    shut: () => void server.close(),
    close: () => {
      self.shut();
      self.cut();
    },
  };
  return self;
}
