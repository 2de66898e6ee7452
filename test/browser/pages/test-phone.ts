/** What every test page can do, whichever library it is made of. */
export interface TestPhone {
  /**
   * Rejects with the answer's status if the registration fails.
   * @param url of the WebSocket
   * @param address `alice@localhost`; the password is `offhook`
   * @param anonymous calls go out as anonymous (RFC 3323, RFC 3325)
   */
  register(url: string, address: string, anonymous: boolean): Promise<void>;
  call(target: string): Promise<void>;
  answer(): Promise<void>;
  reject(): Promise<void>;
  hangUp(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** Blind transfer (RFC 3515). */
  transfer(target: string): Promise<void>;
  state(): "idle" | "calling" | "ringing" | "confirmed" | "ended";
  /** Statuses and causes by which calls have ended, oldest first. */
  endings(): readonly string[];
  isRegistered(): boolean;
  /** How many connections have been lost. */
  losses(): number;
  /** Audio packets received in this call. */
  packets(): Promise<number>;
  /** How many incoming calls this page has shown. */
  incomingCalls(): number;
  isHeldByPeer(): boolean;
}

declare global {
  interface Window {
    phone: TestPhone;
  }
}

/** Tries until it works: an offer cannot be made while another is open (RFC 3261 §14.1). */
export async function whenPossible(attempt: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await attempt())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Audio packets that a peer connection has received. */
export async function packetsOf(connection: RTCPeerConnection | null | undefined): Promise<number> {
  let packets = 0;
  (await connection?.getStats())?.forEach((report: { type: string; kind?: string; packetsReceived?: number }) => {
    if (report.type === "inbound-rtp" && report.kind === "audio") packets += report.packetsReceived ?? 0;
  });
  return packets;
}
