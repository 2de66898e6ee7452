/** Events of a connection. */
export interface ConnectionEvents {
  message(octets: string): void;
  closed(): void;
}

/** Events of a channel. */
export interface ChannelEvents {
  /** Octets have arrived, whether they are a message or not. */
  heard(): void;
  message(octets: string): void;
  /** The oldest message that was sent has been written to the network. */
  written(): void;
  closed(): void;
}

/** Transports messages to another server: a stream or a WebSocket. */
export interface Channel {
  /** The platform's name for our end; an invalid name if it has none (RFC 7118 §5). */
  readonly localAddress: string;
  /** Whether the other side can return the address and port that it sees (RFC 3581). */
  readonly tellsAddress: boolean;
  /** Whether the platform tells when a message has been written (`written`). */
  readonly tellsWritten: boolean;
  /** @param octets of a message or keep-alive, one character for each */
  send(octets: string): void;
  /** Keeps a connection alive (RFC 5626 §4.4.1). */
  ping(): void;
  /** Without a `closed` event. */
  close(): void;
  /** The same, and what still waits is dropped. */
  giveUp(): void;
}

/** Milliseconds that a connection may take to open. */
export const patience = 5000;
