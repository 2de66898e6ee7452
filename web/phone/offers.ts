import type { RTCSession } from "jssip/lib/RTCSession";
import { connectionOf, internalsOf } from "./session-internals.ts";

/** Milliseconds until an offer is tried again while another is open (RFC 3261 §14.1). */
const betweenOffers = 100;

/** Causes with which JsSIP ends a call that is answered, although its media may flow, or come back. */
const kept: readonly string[] = ["Connection Error", "RTP Timeout", "WebRTC Error"];

/**
 * New offers within a call, one at a time. An offer that fails does not end the call: JsSIP would hang up when the connection is lost, when
 * ICE fails, and when an offer is refused.
 */
export class Offers {
  readonly #session: RTCSession;
  readonly #isConnected: () => boolean;
  #queue: Promise<unknown> = Promise.resolve();
  #failed: (() => void) | undefined;
  /** The other side does not know what was offered last. */
  #isUnsettled = false;

  constructor(session: RTCSession, isConnected: () => boolean) {
    this.#session = session;
    this.#isConnected = isConnected;
    const terminate = session.terminate.bind(session);
    session.terminate = (options) => {
      if (!session.isEstablished() || !kept.includes(options?.cause ?? "")) return terminate(options);
      if (options?.cause !== "RTP Timeout") this.#lost();
    };
    session.on("reinvite", ({ request }) => expectRestart(session, request.body));
    session.on("ended", () => this.#failed?.());
  }

  /** Offers the media as they are, as soon as that may be done. @returns whether the other side has accepted them */
  renew(constraints: RTCOfferOptions = {}): Promise<boolean> {
    const result = this.#queue.then(() => this.#offer(constraints));
    this.#queue = result;
    return result;
  }

  /** What could not be offered without a connection is offered now. */
  connectionIsBack(): void {
    if (this.#isUnsettled) void this.renew();
  }

  async #offer(rtcOfferConstraints: RTCOfferOptions): Promise<boolean> {
    while (!this.#session.isEnded() && !(this.#isConnected() && this.#session.isReadyToReOffer())) await pause(betweenOffers);
    if (this.#session.isEnded()) return false;
    await this.#rollBack();
    this.#isUnsettled = false;
    return new Promise((resolve) => {
      this.#failed = () => resolve(false);
      internalsOf(this.#session)._sendReinvite({
        rtcOfferConstraints,
        eventHandlers: { succeeded: () => resolve(true), failed: () => resolve(false) },
      });
    });
  }

  #lost(): void {
    this.#isUnsettled = true;
    this.#failed?.();
  }

  /** An offer that nothing answered must not stay open. */
  async #rollBack(): Promise<void> {
    const connection = connectionOf(this.#session);
    if (connection?.signalingState === "have-local-offer") await connection.setLocalDescription({ type: "rollback" });
  }
}

/** An answer to an ICE restart waits for its new candidates, which JsSIP would not do. */
function expectRestart(session: RTCSession, offer: string): void {
  const before = connectionOf(session)?.remoteDescription?.sdp ?? "";
  const isRestart = ufragOf(offer) !== undefined && ufragOf(offer) !== ufragOf(before);
  internalsOf(session)._rtcAnswerConstraints = isRestart ? { iceRestart: true } : null;
}

function ufragOf(sdp: string): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
