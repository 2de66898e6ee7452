import { UA, WebSocketInterface } from "jssip";
import type { EndEvent, RTCSession } from "jssip/lib/RTCSession";
import type { RTCSessionEvent } from "jssip/lib/UA";
import { type Account, instanceOfTab, socketUrl } from "./account.ts";
import { type Call, type PhoneState, describeEnd, start } from "./state.ts";

/** What the page shows is told of every change. */
export type Watch = (state: PhoneState) => void;

/** A phone with one account and at most one call, on JsSIP. */
export class Phone {
  readonly #watch: Watch;
  readonly #remote: HTMLAudioElement;
  #state: PhoneState = start;
  #ua: UA | undefined;
  #session: RTCSession | undefined;
  #ice: RTCConfiguration = {};

  constructor(remote: HTMLAudioElement, watch: Watch) {
    this.#remote = remote;
    this.#watch = watch;
  }

  register(account: Account, log: (direction: "in" | "out", text: string) => void): void {
    this.unregister();
    this.#ice = { iceServers: account.ice.map((urls) => ({ urls })) };
    const socket = tapped(new WebSocketInterface(socketUrl(account)), log);
    const ua = new UA({
      sockets: socket,
      uri: `sip:${account.address}`,
      password: account.password,
      instance_id: instanceOfTab(),
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 10,
      session_timers: false,
    });
    this.#ua = ua;
    ua.on("connecting", () => this.#connection("connecting", this.#state.connection.kind === "registered" ? "Reconnecting: the connection was lost" : "Connecting…"));
    ua.on("disconnected", () => this.#disconnected());
    ua.on("registered", () => this.#change({ connection: { kind: "registered", address: account.address } }));
    ua.on("unregistered", () => this.#connection("offline", "Signed out"));
    ua.on("registrationFailed", ({ cause }: { cause?: string }) => this.#connection("failed", `Registration failed: ${cause ?? "no answer"}`));
    ua.on("newRTCSession", (event: RTCSessionEvent) => this.#newSession(event));
    ua.start();
  }

  unregister(): void {
    this.#ua?.stop();
    this.#ua = undefined;
    this.#connection("offline", "Not connected");
  }

  call(target: string): void {
    if (this.#session !== undefined || this.#ua === undefined) return;
    this.#change({ notice: "" });
    this.#ua.call(target.trim(), { mediaConstraints: { audio: true, video: false }, pcConfig: this.#ice });
  }

  answer(): void {
    this.#session?.answer({ mediaConstraints: { audio: true, video: false }, pcConfig: this.#ice });
  }

  reject(): void {
    this.#session?.terminate({ status_code: 603, reason_phrase: "Decline" });
  }

  hangUp(): void {
    this.#session?.terminate();
  }

  toggleMute(): void {
    if (this.#session?.isMuted().audio === true) this.#session.unmute({ audio: true });
    else this.#session?.mute({ audio: true });
  }

  toggleHold(): void {
    if (this.#session?.isOnHold().local === true) this.#session.unhold();
    else this.#session?.hold();
  }

  press(key: string): void {
    this.#session?.sendDTMF(key);
  }

  /** Audio packets that have come since the call began. */
  async packetsReceived(): Promise<number> {
    const reports = await this.#session?.connection?.getStats();
    let packets = 0;
    reports?.forEach((report: { type: string; kind?: string; packetsReceived?: number }) => {
      if (report.type === "inbound-rtp" && report.kind === "audio") packets += report.packetsReceived ?? 0;
    });
    return packets;
  }

  /**
   * JsSIP forgets the transaction of a call that rings when its socket is lost, but not its session. The server sends the INVITE
   * again to the new socket; the stale session must not be touched, or a later CANCEL would miss the new one.
   */
  #disconnected(): void {
    const isRinging = this.#state.call?.phase === "ringing" && this.#state.call.direction === "incoming";
    if (isRinging) {
      this.#session = undefined;
      this.#change({ call: undefined });
    }
    if (this.#ua !== undefined) this.#connection("connecting", "Reconnecting: the connection was lost");
  }

  #newSession({ session }: RTCSessionEvent): void {
    if (this.#session !== undefined) {
      session.terminate({ status_code: 486, reason_phrase: "Busy Here" });
      return;
    }
    this.#session = session;
    const peer = session.remote_identity.uri.toAor().replace(/^sip:/, "");
    const isIncoming = session.direction === "incoming";
    this.#change({
      notice: "",
      call: { peer, direction: isIncoming ? "incoming" : "outgoing", phase: "ringing", since: undefined, isMuted: false, isHeld: false, isHeldByPeer: false },
    });
    const ended = (event: EndEvent) => this.#ended(session, peer, event);
    session.on("failed", ended);
    session.on("ended", ended);
    session.on("confirmed", () => this.#changeCall(session, { phase: "confirmed", since: Date.now() }));
    for (const event of ["muted", "unmuted", "hold", "unhold"] as const) session.on(event, () => this.#readToggles(session));
    session.on("peerconnection", () => this.#listen(session));
    if (!isIncoming) this.#listen(session);
  }

  #listen(session: RTCSession): void {
    session.connection?.addEventListener("track", ({ streams }: RTCTrackEvent) => {
      this.#remote.srcObject = streams[0] ?? null;
    });
  }

  #ended(session: RTCSession, peer: string, { cause, message, originator }: EndEvent): void {
    if (session !== this.#session) return;
    this.#session = undefined;
    const status = (message as { status_code?: number } | null)?.status_code;
    this.#change({ call: undefined, notice: describeEnd(peer, cause, status, originator === "remote") });
  }

  #readToggles(session: RTCSession): void {
    const { local, remote } = session.isOnHold();
    this.#changeCall(session, { isMuted: session.isMuted().audio === true, isHeld: local, isHeldByPeer: remote });
  }

  #changeCall(session: RTCSession, changes: Partial<Call>): void {
    const { call } = this.#state;
    if (session === this.#session && call !== undefined) this.#change({ call: { ...call, ...changes } });
  }

  #connection(kind: "offline" | "connecting" | "failed", why: string): void {
    this.#change({ connection: { kind, why } });
  }

  #change(changes: Partial<PhoneState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#watch(this.#state);
  }
}

/** A JsSIP socket whose messages are also shown. */
function tapped(socket: WebSocketInterface, log: (direction: "in" | "out", text: string) => void): WebSocketInterface {
  const send = socket.send.bind(socket);
  socket.send = (message) => {
    log("out", String(message));
    return send(message);
  };
  let receive: ((message: string | ArrayBufferLike | Blob | ArrayBufferView) => void) | undefined;
  Object.defineProperty(socket, "ondata", {
    get: () => receive,
    set: (listener: typeof receive) => {
      receive = (message) => {
        log("in", String(message));
        listener?.(message);
      };
    },
  });
  return socket;
}

