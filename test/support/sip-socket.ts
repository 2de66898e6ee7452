import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { cseqMethod, readHeard, type Heard } from "./heard.ts";
import { createInbox } from "./inbox.ts";

export interface SocketOptions {
  /** "sip" if absent, none if "". */
  readonly subprotocol?: string;
  /** What a browser would say; absent outside browsers. */
  readonly origin?: string;
  /** Text goes out in binary frames (RFC 7118 §5 allows both). */
  readonly isBinary?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A method, a status, or whatever can be said in code. */
export type Match = string | number | ((message: Heard) => boolean);

/** A WebSocket with the subprotocol sip: frames out as they are, frames in as messages that wait to be looked at. */
export interface SipSocket {
  /** As it is: garbage too. */
  send(frame: string | Uint8Array): void;
  /** Takes the oldest message that matches, waiting for it. A status may be narrowed by its CSeq's method. */
  next(match: Match, narrowing?: { readonly method?: string; readonly milliseconds?: number }): Promise<Heard>;
  /** The next frame that is no message but an answer to a keep-alive (RFC 5626 §4.4.1). */
  nextKeepAlive(): Promise<string>;
  /** What came and was not taken. */
  rest(): readonly Heard[];
  close(code?: number, reason?: string): void;
  /** Cuts the connection without a word. */
  cut(): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

const patience = 5000;

/** @param owner whose name a failing test shows */
export async function openSocket(url: string, owner: string, options: SocketOptions = {}): Promise<SipSocket> {
  const socket = connect(url, options);
  const messages = createInbox<Heard>(owner, (message) => message.startLine);
  const keepAlives = createInbox<string>(owner, (frame) => JSON.stringify(frame));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  socket.on("message", (octets: Buffer, isBinary: boolean) => {
    const raw = octets.toString(isBinary ? "latin1" : "utf8");
    if (raw.trim() === "") keepAlives.put(raw);
    else messages.put(readHeard(raw, isBinary));
  });
  await once(socket, "open");
  return {
    send: (frame) => socket.send(typeof frame === "string" && options.isBinary === true ? Buffer.from(frame) : frame),
    next: (match, { method, milliseconds } = {}) => messages.next(matcher(match, method), milliseconds ?? patience),
    nextKeepAlive: () => keepAlives.next(() => true, patience),
    rest: () => messages.rest(),
    close: (code, reason) => socket.close(code, reason),
    cut: () => socket.terminate(),
    closed,
  };
}

/** What the server says to an upgrade it refuses. */
export async function refusedUpgrade(url: string, options: SocketOptions = {}): Promise<{ status: number; headers: IncomingMessage["headers"]; body: string }> {
  const socket = connect(url, options);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

function connect(url: string, { subprotocol = "sip", origin, headers = {} }: SocketOptions): WebSocket {
  return new WebSocket(url, subprotocol === "" ? [] : [subprotocol], { headers, ...(origin === undefined ? {} : { origin }) });
}

function matcher(match: Match, method: string | undefined): (message: Heard) => boolean {
  if (typeof match === "function") return match;
  if (typeof match === "string") return (message) => message.method === match;
  return (message) => message.status === match && (method === undefined || cseqMethod(message) === method);
}
