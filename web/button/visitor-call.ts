import { UA, WebSocketInterface } from "jssip";
import type { IceCandidateEvent, RTCSession } from "jssip/lib/RTCSession";
import { type Ending, describeEnd, describeMediaFault, noSecureContext } from "../phone/endings.ts";
import { whenEnded } from "../phone/session-end.ts";

/** The call of a guest. */
export interface VisitorCallOptions {
  /** `sip:support@example.com` */
  readonly to: string;
  /** The name of the called user in texts. */
  readonly name: string;
  /** The WebSocket of the server: `wss://sip.example.com/ws` */
  readonly server: string;
  readonly iceServers: readonly RTCIceServer[];
  /** Plays the audio of the other side. */
  readonly audio: HTMLAudioElement;
}

export type VisitorPhase = "calling" | "ringing" | "talking";

/** Gets the progress of the call. */
export interface VisitorCallWatch {
  changed(phase: VisitorPhase): void;
  /** Called once, as the last. */
  ended(ending: Ending): void;
}

/** Milliseconds: JsSIP alone would wait some 10 seconds for ICE servers that do not answer. */
const gatheringLimit = 2000;
/** Milliseconds until an unreachable server is given up. */
const connectingLimit = 10_000;

/** One audio call of a client without an account (a guest). It connects, calls once, and removes everything when it ends. */
export class VisitorCall {
  readonly #options: VisitorCallOptions;
  readonly #watch: VisitorCallWatch;
  readonly #ua: UA;
  readonly #patience: ReturnType<typeof setTimeout>;
  #session: RTCSession | undefined;
  #hasEnded = false;

  constructor(options: VisitorCallOptions, watch: VisitorCallWatch) {
    this.#options = options;
    this.#watch = watch;
    this.#ua = new UA({
      sockets: new WebSocketInterface(options.server),
      uri: "sip:anonymous@anonymous.invalid",
      register: false,
      session_timers: false,
    });
    this.#patience = setTimeout(() => this.#fail("The server cannot be reached"), connectingLimit);
    this.#ua.on("connected", () => this.#call());
    this.#ua.on("disconnected", () => this.#disconnected());
    this.#ua.on("newRTCSession", ({ session }: { readonly session: RTCSession }) => {
      if (session.direction === "incoming") session.terminate({ status_code: 403 });
    });
    watch.changed("calling");
    if (navigator.mediaDevices === undefined) this.#end(describeMediaFault(noSecureContext));
    else this.#ua.start();
  }

  hangUp(): void {
    if (this.#session === undefined) this.#end({ text: "You gave up", isFailure: false });
    else if (!this.#session.isEnded()) this.#session.terminate();
  }

  #call(): void {
    clearTimeout(this.#patience);
    if (this.#session !== undefined || this.#hasEnded) return;
    try {
      this.#session = this.#ua.call(this.#options.to, {
        mediaConstraints: { audio: true, video: false },
        pcConfig: { iceServers: [...this.#options.iceServers] },
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return this.#fail(`"${this.#options.to}" cannot be called: it is not an address`);
    }
    this.#follow(this.#session);
  }

  #follow(session: RTCSession): void {
    session.connection.addEventListener("track", ({ streams }: RTCTrackEvent) => {
      this.#options.audio.srcObject = streams[0] ?? null;
    });
    session.on("icecandidate", ({ ready }: IceCandidateEvent) => void setTimeout(ready, gatheringLimit));
    session.on("progress", () => this.#watch.changed("ringing"));
    session.on("accepted", () => this.#watch.changed("talking"));
    whenEnded(session, (end) => this.#end(describeEnd(this.#options.name, end)));
  }

  /** A guest who loses the connection loses the call: there is no account by which the server could find the guest again. */
  #disconnected(): void {
    if (this.#session !== undefined) this.#fail("The connection was lost");
  }

  #fail(text: string): void {
    this.#end({ text, isFailure: true, tone: "failed" });
  }

  #end(ending: Ending): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#patience);
    this.#options.audio.srcObject = null;
    if (this.#session?.isEnded() === false) this.#session.terminate();
    this.#ua.stop();
    this.#watch.ended(ending);
  }
}
