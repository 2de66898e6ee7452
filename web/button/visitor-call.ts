import { UA, WebSocketInterface } from "jssip";
import type { IceCandidateEvent, RTCSession } from "jssip/lib/RTCSession";
import { type Ending, describeEnd, describeMediaFault, noSecureContext } from "../endings.ts";
import { whenEnded } from "../session-end.ts";

/** Whom a visitor calls, and how. */
export interface VisitorCallOptions {
  /** `sip:support@example.com` */
  readonly to: string;
  /** What the texts call the one who is called. */
  readonly name: string;
  /** The WebSocket of the server: `wss://sip.example.com/ws` */
  readonly server: string;
  readonly iceServers: readonly RTCIceServer[];
  /** Where the other side is heard. */
  readonly audio: HTMLAudioElement;
}

export type VisitorPhase = "calling" | "ringing" | "talking";

/** Who is told how the call goes on. */
export interface VisitorCallWatch {
  changed(phase: VisitorPhase): void;
  /** Comes once, and last. */
  ended(ending: Ending): void;
}

/** Milliseconds: JsSIP alone would wait for every ICE server until it gives up, some 10 seconds. */
const gatheringLimit = 2000;
/** Milliseconds until a server that cannot be reached is given up. */
const connectingLimit = 10_000;

/** One call of somebody who has no account (a guest), audio only. It connects, calls once, and leaves nothing behind when it ends. */
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

  /** A guest who loses the connection loses the call: there is no account that the server could find again. */
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
