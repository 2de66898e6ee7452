/** What happens on a connection. */
export interface ConnectionEvents {
  message(octets: string): void;
  closed(): void;
}

/** What happens on what carries it. */
export interface ChannelEvents {
  /** Octets have come, be they a message or not. */
  heard(): void;
  message(octets: string): void;
  closed(): void;
}

/** What carries messages to another server: a stream or a WebSocket. */
export interface Channel {
  /** As the platform knows our end; a name that leads nowhere if it does not (RFC 7118 §5). */
  readonly localAddress: string;
  /** Whether the other side can tell us the address and port that it sees us at (RFC 3581). */
  readonly tellsAddress: boolean;
  /** @param octets of a message or keep-alive, one character for each */
  send(octets: string): void;
  /** The closing is told to nobody. */
  close(): void;
}

/** Milliseconds that a connection may take to open. */
export const patience = 5000;

/** @throws Error with the complaint if the work takes longer */
export async function within<T>(milliseconds: number, work: Promise<T>, complaint: string): Promise<T> {
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
