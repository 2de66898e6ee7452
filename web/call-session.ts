import type { EndEvent, IceCandidateEvent, RTCSession } from "jssip/lib/RTCSession";
import { type Call, describeEnd } from "./state.ts";

/** Who is told of every change of a call. */
export interface CallWatch {
  changed(call: Call): void;
  /** @param why in a sentence */
  ended(why: string): void;
}

/** Where a call's voice comes out, and the servers it may use. */
export interface Media {
  readonly remote: HTMLAudioElement;
  readonly ice: RTCConfiguration;
}

/** Milliseconds: JsSIP alone would wait for every ICE server until it gives up, some 10 seconds. */
const gatheringLimit = 2000;

/** One call on JsSIP, from its first ring to its end. */
export class CallSession {
  readonly #session: RTCSession;
  readonly #media: Media;
  readonly #watch: CallWatch;
  #call: Call;
  /** Said instead of JsSIP's cause. */
  #why: string | undefined;
  #isConnected = true;

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
    };
    this.#follow();
    this.#change({});
  }

  answer(): void {
    if (this.#call.phase !== "ringing" || this.#call.direction !== "incoming") return;
    this.#change({ phase: "answering" });
    this.#session.answer({ mediaConstraints: { audio: true, video: false }, pcConfig: this.#media.ice });
  }

  reject(): void {
    this.#session.terminate({ status_code: 603, reason_phrase: "Decline" });
  }

  /** Without a connection, nobody would hear our BYE, and JsSIP does not send it again: it waits until we are back. */
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

  /** Without a connection, JsSIP would end the call over the offer that does not get out. */
  toggleHold(): void {
    if (!this.#isConnected || this.#call.phase !== "talking") return;
    if (this.#call.isHeld) this.#session.unhold();
    else this.#session.hold();
  }

  press(key: string): void {
    if (this.#isConnected && this.#call.phase === "talking") this.#session.sendDTMF(key);
  }

  /** Audio packets that have come since the call began. */
  async packetsReceived(): Promise<number> {
    let packets = 0;
    const reports = await this.#session.connection.getStats();
    reports.forEach((report: { type: string; kind?: string; packetsReceived?: number }) => {
      if (report.type === "inbound-rtp" && report.kind === "audio") packets += report.packetsReceived ?? 0;
    });
    return packets;
  }

  /**
   * An incoming call that is not answered ends here, without a word to anybody: JsSIP forgets its transaction with the socket, but
   * keeps the session, which would take the CANCEL away from the session that the same INVITE makes on the next socket.
   */
  connectionLost(): void {
    this.#isConnected = false;
    this.#why = "The connection was lost before the call was answered";
    const { direction, phase } = this.#call;
    if (direction === "incoming" && (phase === "ringing" || phase === "answering")) this.#session.terminate();
  }

  connectionIsBack(): void {
    this.#isConnected = true;
    this.#why = undefined;
    if (this.#call.phase === "ending") this.#session.terminate();
  }

  /** A page that goes takes its voice along: the other side is told. A call that still rings here finds the page that comes next. */
  leavePage(): void {
    const { direction, phase } = this.#call;
    if (direction === "outgoing" || phase === "talking") this.#session.terminate();
  }

  #follow(): void {
    const session = this.#session;
    session.on("progress", () => {
      if (this.#call.phase === "calling") this.#change({ phase: "ringing" });
    });
    session.on("accepted", () => this.#change({ phase: "talking", since: Date.now() }));
    session.on("ended", (event) => this.#end(event));
    session.on("failed", (event) => this.#end(event));
    for (const event of ["muted", "unmuted", "hold", "unhold"] as const) session.on(event, () => this.#readToggles());
    session.on("icecandidate", (event) => this.#gather(event));
    session.on("peerconnection", () => this.#listen());
    if (this.#call.direction === "outgoing") this.#listen();
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

  #end({ cause, message, originator }: EndEvent): void {
    const { status_code: status, reason_phrase: reason = "" } = (message ?? {}) as { status_code?: number; reason_phrase?: string };
    this.#watch.ended(this.#why ?? describeEnd(this.#call.peer, { cause, status, reason, isRemote: originator === "remote" }));
  }

  #change(changes: Partial<Call>): void {
    this.#call = { ...this.#call, ...changes };
    this.#watch.changed(this.#call);
  }
}

/** The address at the other end: `bob@example.com`. */
export function peerOf(session: RTCSession): string {
  return session.remote_identity.uri.toAor().replace(/^sip:/, "");
}
