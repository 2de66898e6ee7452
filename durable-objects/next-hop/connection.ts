import { viaMarks } from "../../lib/proxy/outgoing-request.ts";
import { writtenHost } from "../../lib/routing/hop-name.ts";
import type { Hop } from "../../lib/routing/locate.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { type Response, headerValues, parseMessage } from "../../lib/syntax/message.ts";
import { parseVia } from "../../lib/syntax/via.ts";
import { probeTimeout } from "../../lib/transport/unread.ts";
import { seenAddress } from "../../lib/transport/seen-address.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { Backlog } from "./backlog.ts";
import type { Channel, ChannelEvents, ConnectionEvents } from "./channel.ts";
import type { NetworkOf } from "../../platform/private-network.ts";
import { openStream } from "./stream.ts";
import { type Upgrade, openWebSocket } from "./web-socket.ts";

/** Milliseconds. */
const patienceForAddress = 2000;
const patienceForLife = 5000;

/** Octets of a WebSocket that may not have been read before the server is asked. */
const beforeProbe = 131_072;

/** The branch of the uppermost Via of a message, if it is written as we write it. */
function branchOf(text: string): string | undefined {
  const via = text.indexOf("\r\nVia:");
  const line = via < 0 ? "" : text.slice(via + 2, text.indexOf("\r\n", via + 2));
  return /;branch=([^;,\s]{1,2000})/.exec(line)?.[1];
}

/** The transport in our Via on this connection. */
export type WrittenTransport = "TCP" | "TLS" | "WS" | "WSS";

export interface ConnectionSettings {
  /** Milliseconds. */
  readonly keepAliveEvery: number;
  readonly upgrade: Upgrade;
  readonly networkOf: NetworkOf;
  /** Gets each message, if the operator exports them. */
  readonly observe: ((direction: "in" | "out", octets: string) => void) | undefined;
}

/**
 * A connection that we opened to another server. The other server knows it by the address that the network gave it: it must use this
 * connection to send to us (RFC 3261 §18, RFC 5923). So that address is learned before anything else is sent. On a WebSocket the connection
 * has an invalid host name (RFC 7118 §5).
 */
export class Connection {
  readonly #hop: Hop;
  readonly #events: ConnectionEvents;
  /** Requests of our own, by branch. */
  readonly #asked = new Map<string, (response: Response | undefined) => void>();
  readonly #keepAlive: ReturnType<typeof setInterval>;
  /** Milliseconds. */
  readonly #keepAliveEvery: number;
  readonly #observe: ConnectionSettings["observe"];
  readonly #backlog = new Backlog();
  #isProbing = false;
  /** It has not answered the last probe. */
  #hasNotRead = false;
  #channel: Channel | undefined;
  /** Milliseconds: when the first message was sent since the last sign of the server; 0 if there is none. */
  #unheardSince = 0;
  /** The server answers OPTIONS. */
  #answers = false;
  /** `192.0.2.1:40312`, as the other side sees us. */
  host = "";
  /** The other side has returned it; otherwise it is our own guess. */
  isSeen = false;
  isOpen = true;

  private constructor(hop: Hop, events: ConnectionEvents, { keepAliveEvery, observe }: ConnectionSettings) {
    this.#hop = hop;
    this.#events = events;
    this.#keepAliveEvery = keepAliveEvery;
    this.#observe = observe;
    this.#keepAlive = setInterval(() => void this.#keepsAlive(), keepAliveEvery);
  }

  /** @throws Error if it cannot be opened */
  static async open(hop: Hop, events: ConnectionEvents, settings: ConnectionSettings): Promise<Connection> {
    const connection = new Connection(hop, events, settings);
    const isWebSocket = hop.transport === "ws" || hop.transport === "wss";
    const heard: ChannelEvents = {
      heard: () => void (connection.#unheardSince = 0),
      message: (octets) => connection.#heard(octets),
      written: () => connection.#backlog.read(1, Date.now()),
      closed: () => connection.#lost(),
    };
    try {
      const channel = await (isWebSocket ? openWebSocket(hop, heard, settings.upgrade) : openStream(hop, heard, settings.networkOf));
      await connection.#start(channel);
    } catch (error) {
      clearInterval(connection.#keepAlive);
      throw error;
    }
    return connection;
  }

  get transport(): WrittenTransport {
    return this.#hop.transport.toUpperCase() as WrittenTransport;
  }

  /** Whether a message of this sender may be sent: else it would have to wait until the server reads. Given up if that reads no more. */
  hasRoom(sender: string, octets: number): boolean {
    if (this.#backlog.hasRoom(sender, octets)) return true;
    const isStuck = this.#channel?.tellsWritten === false ? this.#hasNotRead : this.#backlog.isStuck(Date.now());
    if (isStuck) this.#giveUp();
    return false;
  }

  /** @param sender the home of who has caused it, or a Call-ID; "" for a request of our own, which always has room */
  send(text: string, sender = ""): void {
    if (this.isOpen && (sender === "" || this.hasRoom(sender, text.length))) {
      this.#backlog.sent(sender, text.length, Date.now(), this.#channel?.tellsWritten === false ? branchOf(text) : undefined);
      this.#channel?.send(text);
      this.#observe?.("out", text);
      this.#probes();
    }
    if (this.#unheardSince === 0) this.#unheardSince = Date.now();
  }

  /** A WebSocket does not tell what was read. A server that has answered OPTIONS has read all that was sent before. */
  #probes(): void {
    if (this.#channel?.tellsWritten !== false || this.#isProbing || this.#backlog.octets < beforeProbe) return;
    this.#isProbing = true;
    const sent = this.#backlog.length + 1;
    void this.options(probeTimeout).then((answer) => this.#probed(sent, answer !== undefined));
  }

  #probed(sent: number, hasRead: boolean): void {
    this.#isProbing = false;
    this.#hasNotRead = !hasRead;
    if (!hasRead) return;
    this.#backlog.read(sent, Date.now());
    this.#probes();
  }

  #giveUp(): void {
    console.error(JSON.stringify({ note: "a server does not read: its connection is closed", host: this.#hop.host }));
    this.#channel?.giveUp();
    this.#lost();
  }

  /**
   * Sends our own request.
   * @param lines from the second header line on; Via is put before them
   * @param wait milliseconds
   * @param host in Via: our own if absent
   * @returns the final response; undefined if there is none in time
   */
  ask(requestLine: string, lines: readonly string[], wait: number, host = this.host): Promise<Response | undefined> {
    const branch = `z9hG4bK${randomText()}${randomText()}`;
    const via = `Via: SIP/2.0/${this.transport} ${host};branch=${branch}${viaMarks(this.transport)}`;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#asked.delete(branch);
        resolve(undefined);
      }, wait);
      this.#asked.set(branch, (response) => {
        clearTimeout(timer);
        this.#asked.delete(branch);
        resolve(response);
      });
      this.send(`${[requestLine, via, ...lines, "Content-Length: 0"].join("\r\n")}\r\n\r\n`);
    });
  }

  /** RFC 3261 §11: without hops left the server itself answers; undefined if it does not in time. */
  options(wait: number, ours = this.host): Promise<Response | undefined> {
    const { port } = this.#hop;
    const host = writtenHost(this.#hop.host);
    const lines = [
      "Max-Forwards: 0",
      `From: <sip:offhook.invalid>;tag=${randomText()}`,
      `To: <sip:${host}:${port}>`,
      `Call-ID: ${randomText()}${randomText()}`,
      "CSeq: 1 OPTIONS",
    ];
    return this.ask(`OPTIONS sip:${host}:${port} SIP/2.0`, lines, wait, ours);
  }

  /**
   * RFC 5923 §8.1: messages for a lost connection, addressed by its name, may use this one, so that the other side can still send in calls
   * that are older than it. Over TCP, for servers that support this extension.
   */
  claim(former: string): void {
    if (this.#hop.transport === "tcp") void this.options(patienceForLife, former);
  }

  close(): void {
    this.#channel?.close();
    this.#lost();
  }

  async #start(channel: Channel): Promise<void> {
    this.#channel = channel;
    this.host = channel.localAddress;
    if (channel.tellsAddress) await this.#learnAddress();
    if (!this.isOpen) throw new Error(`${this.#hop.host} closed the connection at once`);
  }

  /**
   * RFC 5626 §4.4.1. If a server that has answered OPTIONS before is silent to all messages, it is gone although its connection is open:
   * the connection is then closed.
   */
  async #keepsAlive(): Promise<void> {
    this.#channel?.ping();
    const isSilent = this.#unheardSince > 0 && Date.now() - this.#unheardSince >= this.#keepAliveEvery;
    if (isSilent && this.#answers && (await this.options(patienceForLife)) === undefined) this.close();
  }

  #lost(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    clearInterval(this.#keepAlive);
    for (const resolve of this.#asked.values()) resolve(undefined);
    this.#events.closed();
  }

  #heard(octets: string): void {
    this.#observe?.("in", octets);
    if (this.#channel?.tellsWritten === false && octets.startsWith("SIP/2.0 ")) this.#backlog.answered(branchOf(octets) ?? "", Date.now());
    if (!this.#isAnswerToUs(octets)) this.#events.message(octets);
  }

  #isAnswerToUs(octets: string): boolean {
    if (this.#asked.size === 0 || !octets.startsWith("SIP/2.0 ")) return false;
    const response = parseMessage(octets);
    if (isFault(response) || response.kind !== "response") return false;
    const via = parseVia(headerValues(response, "via")[0] ?? "");
    const resolve = isFault(via) ? undefined : this.#asked.get(via.branch ?? "");
    if (resolve !== undefined && response.status >= 200) resolve(response);
    return resolve !== undefined;
  }

  /** RFC 3581 §4: the answer to an OPTIONS has, in its Via, the address and port that the other side sees; and shows that it is alive. */
  async #learnAddress(): Promise<void> {
    // A server that does not answer OPTIONS may still accept calls; then our own guess of the address is used.
    const answer = await this.options(patienceForAddress);
    this.#answers = answer !== undefined;
    const seen = answer === undefined ? undefined : seenAddress(headerValues(answer, "via")[0] ?? "");
    this.isSeen = seen !== undefined;
    if (seen !== undefined) this.host = seen;
  }
}
