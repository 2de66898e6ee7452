import { serialize } from "node:v8";
import type { AddressOfRecord } from "../../../durable-objects/address-of-record.ts";

/** What a phone's end of a connection hears. */
export interface Listener {
  heard(frame: string): void;
  lost(): void;
}

/** The object at the other end. */
interface Home {
  /** Grows with each loss of memory. */
  readonly life: number;
  /** Something reaches it from a phone. */
  receive(event: () => Promise<unknown> | undefined): void;
  handle<T>(event: (instance: AddressOfRecord) => T | Promise<T>): Promise<T>;
  /** Something leaves it. */
  emit(run: () => void): void;
}

/** One WebSocket between a phone and a home, whose server end hibernates. */
export class Connection {
  readonly home: Home;
  readonly server: ServerEnd;
  #listener: Listener | undefined;
  /** When the platform last answered a keep-alive of the phone. */
  lastKeepAlive: Date | null = null;

  constructor(home: Home) {
    this.home = home;
    this.server = new ServerEnd(this);
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  /** The network swallows what the home sends, and nobody is told. */
  stall(): void {
    this.#listener = undefined;
  }

  get isOpen(): boolean {
    return this.server.readyState === WebSocket.OPEN;
  }

  /** A frame of the phone; lost if the connection is gone before it arrives. */
  send(frame: string): void {
    if (frame === "\r\n\r\n") {
      this.lastKeepAlive = new Date();
      return;
    }
    this.home.receive(() => {
      if (this.isOpen) return this.home.handle((instance) => instance.webSocketMessage(this.server as unknown as WebSocket, frame));
      return undefined;
    });
  }

  /** The network goes, or the phone closes: the home is told. */
  cut(code = 1006): void {
    if (!this.isOpen) return;
    this.vanish();
    const life = this.home.life;
    this.home.receive(() => {
      // Whoever lost everything has lost the connection too.
      if (life !== this.home.life) return undefined;
      return this.home.handle((instance) => instance.webSocketClose(this.server as unknown as WebSocket, code));
    });
  }

  /** The server's side is gone: nobody there is told, the phone notices. */
  vanish(): void {
    if (!this.isOpen) return;
    this.server.readyState = WebSocket.CLOSED;
    this.#listener?.lost();
  }

  deliver(frame: string): void {
    if (this.isOpen) this.#listener?.heard(frame);
  }
}

/** The home's end, as the platform hands it out. */
export class ServerEnd {
  readyState: number = WebSocket.OPEN;
  binaryType = "blob";
  readonly #connection: Connection;
  #attachment = "null";

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  send(frame: string): void {
    this.#connection.home.emit(() => this.#connection.deliver(frame));
  }

  close(): void {
    if (this.readyState !== WebSocket.OPEN) return;
    this.#connection.home.emit(() => this.#connection.vanish());
  }

  serializeAttachment(value: unknown): void {
    if (serialize(value).length > 16_384) throw new Error("an attachment is longer than 16 KiB");
    this.#attachment = JSON.stringify(value);
  }

  deserializeAttachment(): unknown {
    return JSON.parse(this.#attachment) as unknown;
  }
}
