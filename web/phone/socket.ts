import type { Socket } from "jssip";

/** Gets every message; the answers to challenges are not shown. */
export type Log = (direction: "in" | "out", text: string) => void;

type Received = string | ArrayBufferLike | Blob | ArrayBufferView;

/** RFC 5626 §3.5.1: a question, and its answer. */
const [ping, pong] = ["\r\n\r\n", "\r\n"] as const;
/** Milliseconds that the server has to answer when the network may have changed. */
const pongLimit = 1000;

/** The socket of a JsSIP phone. A token goes as a subprotocol, so that no URL has it, and each connection uses the newest one. */
export class PhoneSocket implements Socket {
  readonly url: string;
  readonly sip_uri: string;
  via_transport: string;
  readonly #token: () => string | undefined;
  readonly #log: Log;
  #webSocket: WebSocket | undefined;
  #unanswered: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, token: () => string | undefined, log: Log) {
    const { host, protocol } = new URL(url);
    this.url = url;
    this.sip_uri = `sip:${host};transport=ws`;
    this.via_transport = protocol === "wss:" ? "WSS" : "WS";
    this.#token = token;
    this.#log = log;
  }

  // JsSIP replaces these.
  onconnect(): void {}
  ondisconnect(_error: boolean, _code?: number, _reason?: string): void {}
  ondata(_message: unknown): void {}

  connect(): void {
    if (this.isConnected() || this.isConnecting()) return;
    const token = this.#token();
    const webSocket = new WebSocket(this.url, token === undefined ? ["sip"] : ["sip", token]);
    webSocket.binaryType = "arraybuffer";
    this.#webSocket = webSocket;
    const whileOurs = (listener: () => void) => {
      if (this.#webSocket === webSocket) listener();
    };
    webSocket.addEventListener("open", () => whileOurs(() => this.onconnect()));
    webSocket.addEventListener("message", ({ data }) => whileOurs(() => this.#receive(data as Received)));
    webSocket.addEventListener("close", ({ wasClean, code, reason }) => whileOurs(() => this.#closed(!wasClean, code, reason)));
  }

  disconnect(): void {
    const webSocket = this.#webSocket;
    this.#webSocket = undefined;
    this.#answered();
    webSocket?.close();
  }

  send(message: Received): boolean {
    if (!this.isConnected()) return false;
    this.#show("out", message);
    this.#webSocket?.send(message as string);
    return true;
  }

  isConnected(): boolean {
    return this.#webSocket?.readyState === WebSocket.OPEN;
  }

  isConnecting(): boolean {
    return this.#webSocket?.readyState === WebSocket.CONNECTING;
  }

  /** Asks the server for a sign of life: a connection that is dead without a word is given up. */
  probe(): void {
    if (!this.isConnected() || this.#unanswered !== undefined) return;
    this.#webSocket?.send(ping);
    this.#unanswered = setTimeout(() => {
      const webSocket = this.#webSocket;
      this.#closed(true, 1006, "");
      webSocket?.close();
    }, pongLimit);
  }

  #receive(message: Received): void {
    this.#answered();
    if (message === pong) return;
    this.#show("in", message);
    this.ondata(message);
  }

  #closed(isFailure: boolean, code: number, reason: string): void {
    this.#webSocket = undefined;
    this.#answered();
    this.ondisconnect(isFailure, code, reason);
  }

  #answered(): void {
    clearTimeout(this.#unanswered);
    this.#unanswered = undefined;
  }

  #show(direction: "in" | "out", message: Received): void {
    this.#log(
      direction,
      String(message)
        .replace(/response="[^"]*"/g, 'response="…"')
        .replace(/^(Authorization: Bearer ).*$/gim, "$1…"),
    );
  }
}
