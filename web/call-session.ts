import type { DTMF_TRANSPORT } from "jssip/lib/Constants";
import type { IceCandidateEvent, IncomingEvent, OutgoingEvent, RTCSession } from "jssip/lib/RTCSession";
import type { IncomingResponse } from "jssip/lib/SIPMessage";
import { type CallEnd, type Ending, describeEnd, describeMediaFault, noSecureContext } from "./endings.ts";
import type { LostCall } from "./remembered.ts";
import { whenEnded } from "./session-end.ts";
import type { Call } from "./state.ts";

/** Gets every change of a call. */
export interface CallWatch {
  changed(call: Call): void;
  ended(ending: Ending): void;
}

/** The audio output of a call, and its ICE servers. */
export interface Media {
  readonly remote: HTMLAudioElement;
  readonly ice: () => Promise<RTCConfiguration>;
}

/** Milliseconds: JsSIP alone would wait some 10 seconds for ICE servers that do not answer. */
const gatheringLimit = 2000;

/** Milliseconds until an offer is tried again while another is open. */
const betweenOffers = 100;

/** Milliseconds of a DTMF event in the audio, and between two. */
const keyInSound = { transportType: "RFC2833" as DTMF_TRANSPORT, duration: 120, interToneGap: 70 };

/** One call on JsSIP, from its first ring to its end. */
export class CallSession {
  readonly #session: RTCSession;
  readonly #media: Media;
  readonly #watch: CallWatch;
  #call: Call;
  /** Shown instead of JsSIP's cause. */
  #why: string | undefined;
  #isConnected = true;
  /** The user's choice that could not be offered yet. */
  #wantsHold: boolean | undefined;

  constructor(session: RTCSession, media: Media, watch: CallWatch) {
    this.#session = session;
    this.#media = media;
    this.#watch = watch;
    const isIncoming = session.direction === "incoming";
    this.#call = {
      peer: peerOf(session),
      direction: isIncoming ? "incoming" : "outgoing",
      phase: isIncoming ? "ringing" : "calling",
      since: undefined,
      isMuted: false,
      isHeld: false,
      isHeldByPeer: false,
      hasEarlyMedia: false,
      pressed: "",
    };
    this.#follow();
    this.#change({});
  }

  answer(): void {
    if (this.#call.phase !== "ringing" || this.#call.direction !== "incoming") return;
    if (navigator.mediaDevices === undefined) {
      this.#why = describeMediaFault(noSecureContext).text;
      return this.#session.terminate({ status_code: 480 });
    }
    this.#change({ phase: "answering" });
    void this.#accept();
  }

  async #accept(): Promise<void> {
    const pcConfig = await this.#media.ice();
    // The caller gave up, or the connection was lost, meanwhile.
    if (this.#session.isEnded()) return;
    this.#session.answer({ mediaConstraints: { audio: true, video: false }, pcConfig });
  }

  /** For the next ICE restart: paths that are in use stay as they are. */
  renewServers(iceServers: RTCIceServer[]): void {
    const connection = this.#session.connection as RTCPeerConnection | null;
    if (connection === null || connection === undefined || connection.signalingState === "closed") return;
    connection.setConfiguration({ ...connection.getConfiguration(), iceServers });
  }

  reject(): void {
    this.#session.terminate({ status_code: 603, reason_phrase: "Decline" });
  }

  /** Without a connection our BYE would be lost, and JsSIP does not send it again: it waits for the connection. */
  hangUp(): void {
    if (this.#isConnected || this.#call.phase !== "talking") return this.#session.terminate();
    this.#session.mute({ audio: true });
    this.#media.remote.srcObject = null;
    this.#change({ phase: "ending" });
  }

  toggleMute(): void {
    if (this.#call.isMuted) this.#session.unmute({ audio: true });
    else this.#session.mute({ audio: true });
  }

  /** Without a connection JsSIP would end the call, because the offer cannot be sent. */
  toggleHold(): void {
    if (!this.#isConnected || this.#call.phase !== "talking") return;
    this.#wantsHold = !(this.#wantsHold ?? this.#call.isHeld);
    this.#offerHold();
  }

  /** A key is sent as an event in the audio (RFC 4733); as INFO to a phone that has not agreed to that. */
  press(key: string): void {
    if (this.#call.phase !== "talking") return;
    const isHeard = this.#session.connection.getSenders().some(({ dtmf }) => dtmf?.canInsertDTMF === true);
    if (!isHeard && !this.#isConnected) return;
    this.#session.sendDTMF(key, isHeard ? keyInSound : {});
    this.#change({ pressed: this.#call.pressed + key });
  }

  /** Audio packets since the call began. */
  async packetsReceived(): Promise<number> {
    let packets = 0;
    const reports = await this.#session.connection.getStats();
    reports.forEach((report: { type: string; kind?: string; packetsReceived?: number }) => {
      if (report.type === "inbound-rtp" && report.kind === "audio") packets += report.packetsReceived ?? 0;
    });
    return packets;
  }

  /**
   * An incoming call that is not answered ends here, without a message to the server: JsSIP forgets its transaction with the socket, but
   * keeps the session, which would take the CANCEL from the session that the same INVITE creates on the next socket.
   */
  connectionLost(): void {
    this.#isConnected = false;
    this.#why = "The connection was lost before the call was answered";
    if (this.isOffered) this.#session.terminate();
  }

  connectionIsBack(): void {
    this.#isConnected = true;
    this.#why = undefined;
    if (this.#call.phase === "ending") this.#session.terminate();
  }

  /**
   * The page closes, and the audio with it: the other side gets a BYE. A call that still rings here will ring on the next page.
   * @returns the call, if there was one
   */
  leavePage(): LostCall {
    const { peer, direction, phase } = this.#call;
    if (!this.isOffered) this.#session.terminate();
    return { peer, direction, phase };
  }

  /** It rings here, and is not answered. */
  get isOffered(): boolean {
    const { direction, phase } = this.#call;
    return direction === "incoming" && (phase === "ringing" || phase === "answering");
  }

  /** An offer cannot be made while another is open (RFC 3261 §14.1): it waits. */
  #offerHold(): void {
    const isWanted = this.#wantsHold;
    if (isWanted === undefined || !this.#isConnected || this.#call.phase !== "talking") return;
    const isDone = isWanted === this.#call.isHeld || (isWanted ? this.#session.hold() : this.#session.unhold());
    if (isDone) this.#wantsHold = undefined;
    else setTimeout(() => this.#offerHold(), betweenOffers);
  }

  #follow(): void {
    const session = this.#session;
    session.on("progress", (event: IncomingEvent | OutgoingEvent) => this.#progressed("response" in event ? event.response : null));
    session.on("accepted", () => this.#change({ phase: "talking", since: Date.now() }));
    whenEnded(session, (end) => this.#end(end));
    for (const event of ["muted", "unmuted", "hold", "unhold"] as const) session.on(event, () => this.#readToggles());
    session.on("icecandidate", (event) => this.#gather(event));
    session.on("peerconnection", () => this.#listen());
    if (this.#call.direction === "outgoing") this.#listen();
  }

  #progressed(response: IncomingResponse | null): void {
    if (this.#call.direction === "incoming") return;
    const hasEarlyMedia = this.#call.hasEarlyMedia || Boolean(response?.body);
    const { phase } = this.#call;
    const next = response?.status_code === 182 ? "waiting" : "ringing";
    this.#change({ phase: phase === "calling" || phase === "waiting" ? next : phase, hasEarlyMedia });
  }

  #listen(): void {
    this.#session.connection.addEventListener("track", ({ streams }: RTCTrackEvent) => {
      this.#media.remote.srcObject = streams[0] ?? null;
    });
  }

  #gather({ ready }: IceCandidateEvent): void {
    setTimeout(ready, gatheringLimit);
  }

  #readToggles(): void {
    const { local, remote } = this.#session.isOnHold();
    this.#change({ isMuted: this.#session.isMuted().audio === true, isHeld: local, isHeldByPeer: remote });
  }

  #end(end: CallEnd): void {
    const ending: Ending =
      this.#why === undefined ? describeEnd(this.#call.peer, end) : { text: this.#why, isFailure: true, tone: "failed" };
    this.#watch.ended(ending);
  }

  #change(changes: Partial<Call>): void {
    this.#call = { ...this.#call, ...changes };
    this.#watch.changed(this.#call);
  }
}

/** The address at the other end: `bob@example.com`. */
export function peerOf(session: RTCSession): string {
  const address = session.remote_identity.uri.toAor().replace(/^sips?:/, "");
  return address.endsWith("@anonymous.invalid") ? "Anonymous caller" : address;
}
