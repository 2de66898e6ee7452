import type { DTMF_TRANSPORT } from "jssip/lib/Constants";
import type { IceCandidateEvent, IncomingEvent, OutgoingEvent, RTCSession, ReferEvent } from "jssip/lib/RTCSession";
import type { IncomingRequest, IncomingResponse } from "jssip/lib/SIPMessage";
import type { Devices } from "./devices.ts";
import { Answers } from "./answers.ts";
import { type CallEnd, type Ending, describeEnd, describeMediaFault, noSecureContext } from "./endings.ts";
import { MediaPath } from "./media-path.ts";
import { Offers, gatheringLimit } from "./offers.ts";
import { CallPicture } from "./picture.ts";
import { type Quality, qualityOf } from "./quality.ts";
import { readUserToUser } from "./user-to-user.ts";
import { whenEnded } from "./session-end.ts";
import { connectionOf } from "./session-internals.ts";
import { type Call, type LostCall, type Picture, isOffered } from "./state.ts";
import type { Texts } from "./texts.ts";

/** Gets every change of a call. */
export interface LineWatch {
  changed(call: Call): void;
  measured(quality: Quality): void;
  answered(): void;
  /** Nothing arrives any more. */
  interrupted(): void;
  ended(ending: Ending): void;
  /** The other side transfers us. */
  referred(event: ReferEvent): void;
  /** The other side is replaced by another one. */
  replaced(event: ReferEvent): void;
}

/** What the lines of a phone share. */
export interface LineParts {
  readonly texts: Texts;
  readonly devices: Devices;
  readonly ice: () => Promise<RTCConfiguration>;
  /** Plays the audio of the other side. */
  readonly audio: HTMLAudioElement;
}

/** Milliseconds of a DTMF event in the audio, and between two. */
const keyInSound = { transportType: "RFC2833" as DTMF_TRANSPORT, duration: 120, interToneGap: 70 };

/** One call on JsSIP, from its first ring to its end. */
export class Line {
  readonly session: RTCSession;
  readonly #parts: LineParts;
  readonly #watch: LineWatch;
  readonly #offers: Offers;
  readonly #answers: Answers;
  readonly #picture: CallPicture;
  #path: MediaPath | undefined;
  #call: Call;
  /** Shown instead of JsSIP's cause. */
  #why: Ending | undefined;
  #isConnected = true;
  /** The user's choice, which may not be offered yet. */
  #wantsHold = false;
  /** A microphone that was chosen in the call. */
  #microphone: MediaStreamTrack | undefined;

  constructor(session: RTCSession, parts: LineParts, watch: LineWatch) {
    this.session = session;
    this.#parts = parts;
    this.#watch = watch;
    this.#offers = new Offers(session, () => this.#isConnected);
    this.#answers = new Answers(session);
    this.#picture = new CallPicture(session, this.#offers, parts.devices, () => this.#pictureChanged());
    this.#call = newCall(session, parts.texts);
    this.#follow();
    this.#change({});
  }

  get call(): Call {
    return this.#call;
  }

  get ownVideo(): MediaStream | undefined {
    return this.#picture.own;
  }

  get remoteVideo(): MediaStream | undefined {
    return this.#picture.remote;
  }

  answer(withVideo = false): void {
    if (this.#call.phase !== "ringing" || this.#call.direction !== "incoming") return;
    if (navigator.mediaDevices === undefined) {
      this.#why = describeMediaFault(noSecureContext, this.#parts.texts);
      return this.session.terminate({ status_code: 480 });
    }
    this.#change({ phase: "answering" });
    void this.#accept(withVideo);
  }

  async #accept(withVideo: boolean): Promise<void> {
    const [pcConfig, mediaConstraints] = await Promise.all([this.#parts.ice(), this.#parts.devices.constraints(withVideo)]);
    // The caller gave up, or the connection was lost, meanwhile.
    if (this.session.isEnded()) return;
    // An INVITE without an offer (RFC 3261 §13.2.1): JsSIP would ask for no microphone, and offer nothing.
    const rtcOfferConstraints = (requestOf(this.session).body ?? "") !== "" ? {} : { rtcOfferConstraints: { offerToReceiveAudio: true } };
    this.session.answer({ mediaConstraints, pcConfig, ...rtcOfferConstraints });
  }

  /** For the next ICE restart: paths that are in use stay as they are. */
  renewServers(iceServers: RTCIceServer[]): void {
    const connection = connectionOf(this.session);
    connection?.setConfiguration({ ...connection.getConfiguration(), iceServers });
  }

  reject(): void {
    this.session.terminate({ status_code: 603, reason_phrase: "Decline" });
  }

  /** Without a connection our BYE would be lost, and JsSIP does not send it again: it waits for the connection. */
  hangUp(): void {
    if (this.session.isEnded()) return;
    if (this.#isConnected || this.#call.phase !== "talking") return this.session.terminate();
    this.session.mute({ audio: true });
    this.#parts.audio.srcObject = null;
    this.#change({ phase: "ending" });
  }

  /** The call goes on without us, or elsewhere: its end is shown like this; undefined: as any other. */
  endsAs(text: string | undefined): void {
    this.#why = text === undefined ? undefined : { text, isFailure: false };
  }

  toggleMute(): void {
    if (this.#call.isMuted) this.session.unmute({ audio: true });
    else this.session.mute({ audio: true });
  }

  toggleHold(): void {
    this.hold(!this.#wantsHold);
  }

  /** Without a connection it waits for one. */
  hold(isWanted: boolean): void {
    if (this.#call.phase !== "talking") return;
    this.#wantsHold = isWanted;
    void this.#offers.hold(() => this.#wantsHold);
  }

  /** A key is sent as an event in the audio (RFC 4733); as INFO to a phone that has not agreed to that. */
  press(key: string): void {
    if (this.#call.phase !== "talking") return;
    const isHeard = this.session.connection.getSenders().some(({ dtmf }) => dtmf?.canInsertDTMF === true);
    if (!isHeard && !this.#isConnected) return;
    this.session.sendDTMF(key, isHeard ? keyInSound : {});
    this.#change({ pressed: this.#call.pressed + key });
  }

  /** Throws what the browser throws if it gives no camera or screen. */
  async show(picture: Picture): Promise<void> {
    if (this.#call.phase === "talking" && !this.#call.isHeld) await this.#picture.show(picture);
  }

  /** Takes the microphone that is chosen now. */
  async takeMicrophone(): Promise<void> {
    const sender = connectionOf(this.session)
      ?.getSenders()
      .find(({ track }) => track?.kind === "audio");
    if (sender?.track === null || sender?.track === undefined) return;
    const { audio } = await this.#parts.devices.constraints(false);
    const track = (await navigator.mediaDevices.getUserMedia({ audio })).getAudioTracks()[0];
    if (track === undefined) return;
    track.enabled = sender.track.enabled;
    sender.track.stop();
    await sender.replaceTrack(track);
    this.#microphone = track;
    if (this.session.isEnded()) track.stop();
  }

  async takeOutput(): Promise<void> {
    await this.#parts.devices.play(this.#parts.audio);
  }

  transferring(target: string | undefined): void {
    this.#change({ transferTarget: target });
  }

  /**
   * An incoming call that is not answered ends here, without a message to the server: JsSIP forgets its transaction with the socket, but
   * keeps the session, which would take the CANCEL from the session that the same INVITE creates on the next socket.
   */
  connectionLost(): void {
    this.#isConnected = false;
    if (this.#call.phase !== "talking" && this.#call.phase !== "ending")
      this.#why ??= { text: this.#parts.texts.call.lostWhileRinging, isFailure: true, tone: "failed" };
    if (isOffered(this.#call)) this.session.terminate();
  }

  connectionIsBack(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    if (this.#call.phase === "ending") return this.session.terminate();
    this.#answers.connectionIsBack();
    this.#offers.connectionIsBack();
    void this.#path?.connectionIsBack();
  }

  /**
   * The page closes, and the audio with it: the other side gets a BYE. A call that still rings here will ring on the next page.
   * @returns the call
   */
  leavePage(): LostCall {
    const { peer, direction, phase } = this.#call;
    if (!isOffered(this.#call)) this.session.terminate();
    return { peer, direction, phase };
  }

  #follow(): void {
    const { session } = this;
    session.on("progress", (event: IncomingEvent | OutgoingEvent) => this.#progressed("response" in event ? event.response : null));
    session.on("accepted", () => this.#accepted());
    whenEnded(session, (end) => this.#end(end));
    for (const event of ["muted", "unmuted", "hold", "unhold"] as const) session.on(event, () => this.#readToggles());
    session.on("icecandidate", ({ ready }: IceCandidateEvent) => void setTimeout(ready, gatheringLimit));
    session.on("peerconnection", () => this.#listen());
    session.on("refer", (event) => this.#watch.referred(event));
    session.on("replaces", (event) => this.#watch.replaced(event));
    if (this.#call.direction === "outgoing") this.#listen();
  }

  #progressed(response: IncomingResponse | null): void {
    if (this.#call.direction === "incoming") return;
    const hasEarlyMedia = this.#call.hasEarlyMedia || Boolean(response?.body);
    const { phase } = this.#call;
    const next = response?.status_code === 182 ? "waiting" : "ringing";
    this.#change({ phase: phase === "calling" || phase === "waiting" ? next : phase, hasEarlyMedia });
  }

  #accepted(): void {
    this.#path = new MediaPath(this.session, this.#offers, {
      measured: (now, before) => this.#watch.measured(qualityOf(now, before)),
      restoring: (isRestoring) => {
        if (isRestoring) this.#watch.interrupted();
        this.#change({ isRestoring });
      },
      lost: () => {
        this.#why = { text: this.#parts.texts.ending.audioLost, isFailure: true, tone: "failed" };
        this.hangUp();
      },
    });
    this.#why = undefined;
    this.#change({ phase: "talking", since: Date.now() });
    this.#picture.adopt();
    this.#watch.answered();
  }

  #listen(): void {
    const { connection } = this.session;
    connection.addEventListener("track", ({ track }: RTCTrackEvent) => {
      if (track.kind !== "audio") return;
      this.#parts.audio.srcObject = new MediaStream([track]);
      void this.takeOutput();
    });
    connection.addEventListener("signalingstatechange", () => {
      if (connection.signalingState === "stable") this.#pictureChanged();
    });
  }

  #pictureChanged(): void {
    const [sends, receivesVideo] = [this.#picture.sends, this.#picture.remote !== undefined];
    if (sends !== this.#call.sends || receivesVideo !== this.#call.receivesVideo) this.#change({ sends, receivesVideo });
  }

  #readToggles(): void {
    const { local, remote } = this.session.isOnHold();
    this.#change({ isMuted: this.session.isMuted().audio === true, isHeld: local, isHeldByPeer: remote });
  }

  #end(end: CallEnd): void {
    this.#path?.end();
    this.#picture.end();
    this.#microphone?.stop();
    this.#parts.audio.srcObject = null;
    this.#watch.ended(this.#why ?? describeEnd(this.#call.peer, end, this.#parts.texts));
  }

  #change(changes: Partial<Call>): void {
    this.#call = { ...this.#call, ...changes };
    this.#watch.changed(this.#call);
  }
}

function newCall(session: RTCSession, texts: Texts): Call {
  const isIncoming = session.direction === "incoming";
  return {
    id: crypto.randomUUID(),
    peer: peerOf(session, texts),
    userToUser: isIncoming ? readUserToUser(requestOf(session).getHeaders("User-to-User")) : undefined,
    direction: isIncoming ? "incoming" : "outgoing",
    phase: isIncoming ? "ringing" : "calling",
    since: undefined,
    ...{ isMuted: false, isHeld: false, isHeldByPeer: false, hasEarlyMedia: false, isRestoring: false },
    transferTarget: undefined,
    isVideoOffered: isIncoming && offersVideo(session),
    ...{ sends: "none", receivesVideo: false, pressed: "" },
  };
}

function offersVideo(session: RTCSession): boolean {
  return /^m=video [1-9]/m.test(requestOf(session).body ?? "");
}

function requestOf(session: RTCSession): Pick<IncomingRequest, "body" | "getHeaders"> {
  return (session as unknown as { readonly _request: Pick<IncomingRequest, "body" | "getHeaders"> })._request;
}

/** The address at the other end: `bob@example.com`. */
export function peerOf(session: RTCSession, texts: Texts): string {
  const address = session.remote_identity.uri.toAor().replace(/^sips?:/, "");
  return address.endsWith("@anonymous.invalid") ? texts.call.anonymous : address;
}
