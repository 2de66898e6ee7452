import { connect } from "cloudflare:sockets";
import { isFault } from "../../lib/syntax/fault.ts";
import { headerValues, parseMessage } from "../../lib/syntax/message.ts";
import { parameter } from "../../lib/syntax/parameters.ts";
import { parseVia } from "../../lib/syntax/via.ts";
import type { Hop } from "../../lib/routing/locate.ts";
import { StreamReader } from "../../lib/transport/stream.ts";
import { decodeBinary, encodeBinary } from "../room/bytes.ts";
import { randomText } from "../room/random.ts";

/** Milliseconds. */
const patience = 5000;
const patienceForAddress = 2000;
const keepAliveEvery = 30_000;

/** What happens on a connection. */
export interface ConnectionEvents {
  /** A message, one character for each octet. */
  message(text: string): void;
  closed(): void;
}

/**
 * A connection that we opened to another server. It is known there by the address that the network gave it: who wants to send us
 * something has to use this very connection (RFC 3261 §18, RFC 5923), so it learns that address before anything else is sent.
 */
export class Connection {
  readonly #hop: Hop;
  readonly #events: ConnectionEvents;
  readonly #reader = new StreamReader();
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #socket: Socket;
  #learn: ((host: string) => void) | undefined;
  #keepAlive: ReturnType<typeof setInterval> | undefined;
  /** `192.0.2.1:40312`, as the other side sees us. */
  host = "";
  isOpen = true;

  private constructor(hop: Hop, socket: Socket, events: ConnectionEvents) {
    this.#hop = hop;
    this.#events = events;
    this.#socket = socket;
    this.#writer = socket.writable.getWriter();
  }

  /**
   * Opens a connection to the address that was resolved and checked; over TLS the certificate must be the domain's.
   * DEVIATION(RFC 5922 §7.1): by its DNS names; SIP URIs in it cannot be read on the platform.
   */
  static async open(hop: Hop, events: ConnectionEvents): Promise<Connection> {
    const isSecure = hop.transport === "tls";
    const plain = connect(
      { hostname: hop.address, port: hop.port },
      { secureTransport: isSecure ? "starttls" : "off", allowHalfOpen: false },
    );
    const socket = isSecure ? plain.startTls({ expectedServerHostname: hop.host }) : plain;
    const { localAddress } = await within(patience, socket.opened, `${hop.host} did not answer`);
    const connection = new Connection(hop, socket, events);
    void connection.#read(socket);
    connection.host = localAddress ?? "offhook.invalid";
    await connection.#learnAddress();
    connection.#keepAlive = setInterval(() => void connection.#write(Buffer.from("\r\n\r\n")), keepAliveEvery);
    return connection;
  }

  get transport(): "TCP" | "TLS" {
    return this.#hop.transport === "tls" ? "TLS" : "TCP";
  }

  /** @param binary whether each character is an octet */
  send(text: string, binary: boolean): boolean {
    if (!this.isOpen) return false;
    void this.#write(binary ? encodeBinary(text) : new TextEncoder().encode(text));
    return true;
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    clearInterval(this.#keepAlive);
    this.#socket.close().catch(ignoreClosed);
    this.#events.closed();
  }

  async #write(octets: Uint8Array): Promise<void> {
    try {
      await this.#writer.write(octets);
    } catch (error) {
      ignoreClosed(error);
      this.close();
    }
  }

  async #read(socket: Socket): Promise<void> {
    try {
      for await (const octets of socket.readable as ReadableStream<Uint8Array>) {
        const read = this.#reader.read(decodeBinary(octets.slice().buffer));
        if (read === undefined) break;
        if (read.pings > 0) void this.#write(Buffer.from("\r\n"));
        for (const text of read.messages) if (!this.#isAnswerToQuestion(text)) this.#events.message(text);
      }
    } catch (error) {
      ignoreClosed(error);
    }
    this.close();
  }

  /** RFC 3581 §4: the answer to an OPTIONS tells, in its Via, the address and port that the other side sees; and that it is alive. */
  async #learnAddress(): Promise<void> {
    const { host, port } = this.#hop;
    const branch = `z9hG4bK${randomText()}learn`;
    const lines = [
      `OPTIONS sip:${host}:${port} SIP/2.0`,
      `Via: SIP/2.0/${this.transport} ${this.host};branch=${branch};rport`,
      "Max-Forwards: 0",
      `From: <sip:offhook.invalid>;tag=${randomText()}`,
      `To: <sip:${host}:${port}>`,
      `Call-ID: ${randomText()}${randomText()}`,
      "CSeq: 1 OPTIONS",
      "Content-Length: 0",
    ];
    const learned = new Promise<string>((resolve) => {
      this.#learn = resolve;
    });
    await this.#write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`));
    // A server that does not answer OPTIONS may still take calls; then our own idea of the address has to do.
    this.host = await within(patienceForAddress, learned, "").catch(() => this.host);
    this.#learn = undefined;
  }

  #isAnswerToQuestion(text: string): boolean {
    if (this.#learn === undefined || !text.startsWith("SIP/2.0 ") || !/\r\n(?:via|v)[ \t]*:[^\r\n]*learn/i.test(text)) return false;
    const message = parseMessage({ text, binary: true });
    const via = isFault(message) ? message : parseVia(headerValues(message, "via")[0] ?? "");
    if (isFault(via)) return true;
    const received = parameter(via.parameters, "received");
    const port = parameter(via.parameters, "rport");
    this.#learn(
      received === undefined || received === "" ? this.host : `${received}${port === undefined || port === "" ? "" : `:${port}`}`,
    );
    return true;
  }
}

/** What streams throw when the other side has gone: the end of the connection is handled where it is noticed. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}

async function within<T>(milliseconds: number, work: Promise<T>, complaint: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(complaint)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
