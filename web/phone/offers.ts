import type { RTCSession } from "jssip/lib/RTCSession";
import { connectionOf, internalsOf } from "./session-internals.ts";

/** Milliseconds until an offer is tried again while another is open (RFC 3261 §14.1). */
const betweenOffers = 100;

/** Milliseconds: JsSIP alone would wait some 10 seconds for ICE servers that do not answer. */
export const gatheringLimit = 2000;

type Sending = (succeeded: () => void, failed: () => void) => void;

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
    session.on("reinvite", ({ request }) => {
      if (expectRestart(session, request.body)) finishGathering(session);
    });
    session.on("ended", () => this.#failed?.());
  }

  /** Offers the media as they are, as soon as that may be done. @returns whether the other side has accepted them */
  renew(rtcOfferConstraints: RTCOfferOptions = {}): Promise<boolean> {
    return this.#enqueue((succeeded, failed) => {
      internalsOf(this.#session)._sendReinvite({ rtcOfferConstraints, eventHandlers: { succeeded, failed } });
    });
  }

  /** Holds the call or takes it up again. @param isWanted asked when it is the turn of this offer */
  hold(isWanted: () => boolean): Promise<boolean> {
    return this.#enqueue((succeeded) => {
      const isHeld = this.#session.isOnHold().local;
      if (isWanted() === isHeld || !(isHeld ? this.#session.unhold({}, succeeded) : this.#session.hold({}, succeeded))) succeeded();
    });
  }

  /** What could not be offered without a connection is offered now. */
  connectionIsBack(): void {
    if (this.#isUnsettled) void this.renew();
  }

  #enqueue(send: Sending): Promise<boolean> {
    const result = this.#queue.then(() => this.#offer(send));
    this.#queue = result;
    return result;
  }

  async #offer(send: Sending): Promise<boolean> {
    // Sent in the same task as the last check: meanwhile the other side may offer something.
    while (!(this.#isReady() && !this.#isOpen())) {
      if (this.#session.isEnded()) return false;
      if (this.#isReady()) await this.#rollBack();
      else await pause(betweenOffers);
    }
    this.#isUnsettled = false;
    return new Promise((resolve) => {
      this.#failed = () => resolve(false);
      send(
        () => resolve(true),
        () => resolve(false),
      );
      finishGathering(this.#session);
    });
  }

  #lost(): void {
    this.#isUnsettled = true;
    this.#failed?.();
  }

  #isReady(): boolean {
    return !this.#session.isEnded() && this.#isConnected() && this.#session.isReadyToReOffer();
  }

  /** Nothing has answered the offer before. */
  #isOpen(): boolean {
    return connectionOf(this.#session)?.signalingState === "have-local-offer";
  }

  /** The browser refuses that if the other side has offered something just now: then there is nothing to take back. */
  async #rollBack(): Promise<void> {
    await connectionOf(this.#session)
      ?.setLocalDescription({ type: "rollback" })
      .catch(() => pause(betweenOffers));
  }
}

/** An answer to an ICE restart waits for its new candidates, which JsSIP would not do. @returns whether it is one */
function expectRestart(session: RTCSession, offer: string): boolean {
  const before = connectionOf(session)?.remoteDescription?.sdp ?? "";
  const isRestart = ufragOf(offer) !== undefined && ufragOf(offer) !== ufragOf(before);
  internalsOf(session)._rtcAnswerConstraints = isRestart ? { iceRestart: true } : null;
  return isRestart;
}

/**
 * Ends the wait for candidates as soon as there are all, or at the limit. JsSIP listens too late for those that come at once, and would
 * wait for ever for the last one.
 */
function finishGathering(session: RTCSession): void {
  const until = performance.now() + gatheringLimit;
  const timer = setInterval(() => {
    const connection = connectionOf(session);
    const isOver = connection === undefined || performance.now() > until;
    if (isOver) clearInterval(timer);
    // Before a restart has begun, the state is that of the gathering before, and there are no candidates.
    const isComplete = connection?.iceGatheringState === "complete" && /^a=candidate:/m.test(connection.localDescription?.sdp ?? "");
    if (isComplete || isOver) connection?.dispatchEvent(new RTCPeerConnectionIceEvent("icecandidate", { candidate: null }));
  }, betweenOffers);
}

function ufragOf(sdp: string): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
