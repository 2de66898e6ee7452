import { Exceptions, UA, WebSocketInterface } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { DisconnectEvent, RTCSessionEvent, UnRegisteredEvent } from "jssip/lib/UA";
import { type Account, credentialsOf, socketUrl } from "./account.ts";
import { CallSession, peerOf } from "./call-session.ts";
import type { Companion } from "./companion.ts";
import { type Ending, describeMediaFault, noSecureContext } from "./endings.ts";
import { GivenIceServers } from "./given-ice-servers.ts";
import { type Log, logged } from "./message-log.ts";
import type { LostCall } from "./remembered.ts";
import { type PhoneState, describeRefusal, nothing, start } from "./state.ts";

/** Seconds until the next attempt at a server that is unavailable, if it names no time. */
const retryAfter = 5;

/** The parts of a phone. */
export interface PhoneParts {
  /** Plays the audio of the other side. */
  readonly remote: HTMLAudioElement;
  /** Names this phone among those of its user (RFC 5626 §4.1). */
  readonly instance: string;
  readonly companions: readonly Companion[];
}

/** Gets every change of the phone. */
export interface PhoneWatch {
  changed(state: PhoneState): void;
  ended(ending: Ending): void;
  /** The account is refused, and the user is signed out. */
  refused(): void;
}

/** A phone with one account and at most one call, on JsSIP. */
export class Phone {
  readonly #parts: PhoneParts;
  readonly #watch: PhoneWatch;
  #state: PhoneState = start;
  #account: Account | undefined;
  #ua: UA | undefined;
  #servers: GivenIceServers | undefined;
  #session: CallSession | undefined;
  /** It has been registered since the user signed in. */
  #hasRegistered = false;

  constructor(parts: PhoneParts, watch: PhoneWatch) {
    this.#parts = parts;
    this.#watch = watch;
  }

  /** The user allows or blocks a watcher: sent with the password, because it applies to all phones of the user. */
  async decide(watcher: string, permission: "allow" | "block"): Promise<void> {
    if (this.#account === undefined) return;
    const { address, password } = this.#account;
    const [username = "", domain = ""] = address.split("@");
    const parts = ["domains", domain, "subscribers", username, "watchers", watcher].map(encodeURIComponent);
    const asking = fetch(`/api/v1/${parts.join("/")}`, {
      method: "PUT",
      headers: { Authorization: `Basic ${credentialsOf(username, password)}`, "Content-Type": "application/json" },
      body: JSON.stringify({ permission }),
    });
    const answer = await asking.catch(() => undefined);
    if (answer?.ok !== true) this.#fail(`The server refused the change: ${answer === undefined ? "it cannot be reached" : answer.status}`);
  }

  /** The present call. */
  get session(): CallSession | undefined {
    return this.#session;
  }

  register(account: Account, log: Log): void {
    this.unregister();
    try {
      this.#ua = userAgent(account, this.#parts.instance, log);
    } catch (error) {
      if (!(error instanceof Exceptions.ConfigurationError)) throw error;
      return this.#connection("failed", `"${account.address}" is not an address`);
    }
    this.#account = account;
    this.#servers = new GivenIceServers(account, (servers) => this.#session?.renewServers(servers));
    this.#follow(this.#ua, account);
    this.#connection("connecting", "Connecting…");
    this.#ua.start();
  }

  unregister(): void {
    const ua = this.#ua;
    this.#ua = undefined;
    this.#hasRegistered = false;
    if (ua !== undefined) for (const companion of this.#parts.companions) companion.signedOut();
    ua?.stop();
    this.#servers?.close();
    this.#connection("offline", "Not connected");
  }

  /**
   * The page closes. All that the phone left on the server is removed, also its binding: the next caller hears at once that it is gone. If
   * a call rings here, or the page will be back, the binding stays: the server waits for the phone.
   * @returns the call, if there was one
   */
  leavePage(isReloading: boolean): LostCall | undefined {
    const isOffered = this.#session?.isOffered === true;
    const call = this.#session?.leavePage();
    if (this.#state.connection.kind !== "registered") return call;
    for (const companion of this.#parts.companions) companion.leaving?.();
    if (!isOffered && !isReloading) this.#ua?.unregister();
    return call;
  }

  /** Does not sign in, and shows why. */
  refuse(why: string): void {
    this.#connection("failed", why);
  }

  /** Shows a notice. */
  tell(text: string): void {
    this.#change({ notice: { text, isFailure: false } });
  }

  /** @param target an address, or a user name of our own domain */
  async call(target: string): Promise<void> {
    const ua = this.#ua;
    if (ua === undefined) return;
    if (this.#session !== undefined) return this.tell("There is a call already: hang up first");
    if (navigator.mediaDevices === undefined) return this.#ended(describeMediaFault(noSecureContext));
    const pcConfig = await this.#ice();
    // Called twice, or signed out, meanwhile.
    if (ua !== this.#ua || this.#session !== undefined) return;
    try {
      ua.call(target, { mediaConstraints: { audio: true, video: false }, pcConfig });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#fail(`"${target}" cannot be called: it is neither an address nor a user name`);
    }
  }

  /** Later events of a phone that was signed out are ignored. */
  #follow(ua: UA, account: Account): void {
    const whileSignedIn =
      <Event>(listener: (event: Event) => void) =>
      (event: Event) => {
        if (ua === this.#ua) listener(event);
      };
    const registered = () => {
      this.#hasRegistered = true;
      this.#change({ connection: { kind: "registered", address: account.address } });
      this.#servers?.open();
      for (const companion of this.#parts.companions) companion.registered(ua, account.address);
      this.#session?.connectionIsBack();
    };
    const refused = (event: UnRegisteredEvent) => this.#refused(ua, event);
    const disconnected = (event: DisconnectEvent) => this.#disconnected(event);
    const newSession = ({ session }: RTCSessionEvent) => this.#newSession(session);
    ua.on("registered", whileSignedIn(registered));
    ua.on("registrationFailed", whileSignedIn(refused));
    ua.on("disconnected", whileSignedIn(disconnected));
    ua.on("newRTCSession", whileSignedIn(newSession));
  }

  #disconnected({ reason }: DisconnectEvent): void {
    const what = this.#hasRegistered ? "Reconnecting: the connection was lost" : "Trying again: the server cannot be reached";
    this.#connection("connecting", reason ? `${what} (${reason})` : what);
    this.#session?.connectionLost();
  }

  #refused(ua: UA, { response, cause }: UnRegisteredEvent): void {
    const { status_code: status, reason_phrase: reason = cause ?? "no answer" } = (response as typeof response | null) ?? {};
    const isPassing = status === undefined || status >= 500;
    if (!isPassing) {
      this.unregister();
      this.#watch.refused();
    }
    this.#connection(isPassing ? "connecting" : "failed", describeRefusal(status, reason));
    const seconds = Number.parseInt(response?.getHeader("Retry-After") ?? "", 10) || retryAfter;
    setTimeout(() => {
      if (ua === this.#ua && this.#state.connection.kind === "connecting") ua.register();
    }, seconds * 1000);
  }

  /** One call at a time: a second caller gets 486. */
  #newSession(session: RTCSession): void {
    if (this.#session !== undefined) {
      this.tell(`${peerOf(session)} called meanwhile, and got a busy signal`);
      return session.terminate({ status_code: 486, reason_phrase: "Busy Here" });
    }
    this.#change({ notice: nothing });
    this.#session = new CallSession(
      session,
      { remote: this.#parts.remote, ice: () => this.#ice() },
      {
        changed: (call) => this.#change({ call }),
        ended: (ending) => this.#ended(ending),
      },
    );
  }

  #ended(ending: Ending): void {
    this.#session = undefined;
    const { text, isFailure } = ending;
    this.#change({ call: undefined, notice: { text, isFailure } });
    this.#watch.ended(ending);
  }

  #fail(text: string): void {
    this.#change({ notice: { text, isFailure: true } });
  }

  async #ice(): Promise<RTCConfiguration> {
    return (await this.#servers?.forCall()) ?? {};
  }

  #connection(kind: "offline" | "connecting" | "failed", why: string): void {
    this.#change({ connection: kind === "connecting" ? { kind, why, isReconnecting: this.#hasRegistered } : { kind, why } });
  }

  #change(changes: Partial<PhoneState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#watch.changed(this.#state);
  }
}

function userAgent(account: Account, instance: string, log: Log): UA {
  return new UA({
    sockets: logged(new WebSocketInterface(socketUrl(account)), log),
    uri: `sip:${account.address}`,
    password: account.password,
    instance_id: instance,
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 10,
    session_timers: false,
  });
}
