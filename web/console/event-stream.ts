/** An event of a domain, as web hooks get it. */
export interface LiveEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Gets what is told, and whether anything is told at present. */
export interface EventListener {
  told(event: LiveEvent): void;
  changed(isOpen: boolean): void;
}

/** Milliseconds between two pings, which the platform answers without waking anything. */
const pingInterval = 45_000;
/** Milliseconds before the first try to connect again, and the longest pause. */
const [firstPause, longestPause] = [1000, 60_000];
/** Attempts in a row without a connection. */
const maxAttempts = 5;

/** The events of a domain as they happen. A connection that breaks is made again; after some failures in a row it is not tried any more. */
export class EventStream {
  readonly #url: string;
  readonly #protocols: readonly string[];
  readonly #listener: EventListener;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** Whether a pong has come since the last ping. */
  #isAlive = true;

  constructor(domain: string, key: string, listener: EventListener) {
    const url = new URL(`/api/v1/domains/${encodeURIComponent(domain)}/events`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.#url = url.href;
    this.#protocols = ["offhook-events", `bearer.${base64url(key)}`];
    this.#listener = listener;
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000);
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, [...this.#protocols]);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      this.#failures = 0;
      this.#isAlive = true;
      this.#listener.changed(true);
      this.#ping(socket);
    });
    socket.addEventListener("message", ({ data }) => {
      if (socket !== this.#socket) return;
      this.#isAlive = true;
      if (data !== "pong") this.#listener.told(JSON.parse(String(data)) as LiveEvent);
    });
    socket.addEventListener("close", () => this.#lost(socket));
  }

  #ping(socket: WebSocket): void {
    this.#timer = setTimeout(() => {
      if (!this.#isAlive) return this.#lost(socket);
      this.#isAlive = false;
      socket.send("ping");
      this.#ping(socket);
    }, pingInterval);
  }

  #lost(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    this.close();
    this.#listener.changed(false);
    this.#failures += 1;
    if (this.#failures > maxAttempts) return;
    this.#timer = setTimeout(() => this.#connect(), Math.min(firstPause * 2 ** (this.#failures - 1), longestPause));
  }
}

function base64url(text: string): string {
  const octets = Array.from(new TextEncoder().encode(text), (octet) => String.fromCharCode(octet));
  return btoa(octets.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
