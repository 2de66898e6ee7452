import { StreamReader, framed } from "../lib/transport/stream.ts";
import { namedOnTcp } from "../lib/transport/tcp-names.ts";
import { decodeBinary, encodeBinary, octetsIn } from "../platform/bytes.ts";
import { answerUnmeasured } from "../durable-objects/shared/reply.ts";
import { readConfiguration } from "../platform/configuration.ts";
import type { Environment } from "../platform/environment.ts";
import { serveShared } from "./edge-proxy.ts";

/**
 * SIP over TCP (RFC 3261 §18), for local development: the platform has no inbound TCP in production. The stream is cut into messages, and
 * each is processed like a frame on a shared connection.
 */
export async function serveTcp(environment: Environment, socket: Socket): Promise<void> {
  if (!readConfiguration(environment).localDevelopment) return void (await socket.close());
  const { remoteAddress = "", localAddress } = await socket.opened;
  if (localAddress === undefined) throw new Error("the platform does not report the local address of this connection");
  // The name in PUBLIC_HOST is that of the HTTP port.
  const host = localAddress;
  const { webSocket } = serveShared(environment, { host, address: remoteAddress, account: undefined });
  if (webSocket === null) throw new Error("the edge proxy did not open");
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  const writer = socket.writable.getWriter();
  const write = (octets: Uint8Array) => writer.write(octets).catch(() => webSocket.close(1000));
  webSocket.addEventListener("message", ({ data }) => {
    void write(encodeBinary(framed(asOnTcp(octetsIn(data as string | ArrayBuffer), host))));
  });
  webSocket.addEventListener("close", () => void socket.close().catch(ignoreClosed));
  await read(socket, webSocket, { remoteAddress, write });
}

interface Client {
  readonly remoteAddress: string;
  write(octets: Uint8Array): Promise<void>;
}

async function read(socket: Socket, edgeProxy: WebSocket, { remoteAddress, write }: Client): Promise<void> {
  const reader = new StreamReader();
  try {
    for await (const octets of socket.readable as ReadableStream<Uint8Array>) {
      const { messages, pings, broken } = reader.read(decodeBinary(octets.slice().buffer));
      for (let ping = 0; ping < pings; ping += 1) edgeProxy.send("\r\n\r\n");
      for (const message of messages) edgeProxy.send(encodeBinary(withReceived(message, remoteAddress)));
      if (broken === undefined) continue;
      const answer = answerUnmeasured(broken);
      if (answer !== undefined) await write(encodeBinary(framed(answer)));
      break;
    }
  } catch (error) {
    ignoreClosed(error);
  }
  if (edgeProxy.readyState === WebSocket.OPEN) edgeProxy.close(1000);
}

/** Tools for TCP use the first challenge, and know MD5 (SIPp 3.6 fails at any other). */
function asOnTcp(text: string, host: string): string {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return text;
  const head = text.slice(0, end).replace(/\r\n(?:WWW|Proxy)-Authenticate: [^\r\n]*algorithm=SHA-256[^\r\n]*/g, "");
  return namedOnTcp(`${head}${text.slice(end)}`, host);
}

/** RFC 3581 §4: a client that asks for its address gets it, so that its responses find it. */
function withReceived(text: string, remoteAddress: string): string {
  const colon = remoteAddress.lastIndexOf(":");
  const [host, port] = [remoteAddress.slice(0, colon).replace(/^\[|\]$/g, ""), remoteAddress.slice(colon + 1)];
  if (text.startsWith("SIP/2.0 ") || host === "") return text;
  const at = text.search(/^(?:via|v)[ \t]*:/im);
  if (at < 0) return text;
  const [line = ""] = text.slice(at).split("\r\n", 1);
  const [first = ""] = line.split(",", 1);
  return `${text.slice(0, at)}${first.replace(/;rport(?![=\w])/i, `;rport=${port};received=${host}`)}${text.slice(at + first.length)}`;
}

/** Errors of streams when the other side has closed. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}
