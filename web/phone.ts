import { Exceptions, UA, WebSocketInterface } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { DisconnectEvent, RTCSessionEvent, UnRegisteredEvent } from "jssip/lib/UA";
import { type Account, instanceOfTab, socketUrl } from "./account.ts";
import type { Buddies } from "./buddies.ts";
import { CallSession, peerOf } from "./call-session.ts";
import { type Log, logged } from "./message-log.ts";
import { Publication } from "./publication.ts";
import { type PhoneState, describeRefusal, start } from "./state.ts";

/** Seconds until a server that cannot serve us now is asked again, if it names no time. */
const retryAfter = 5;

/** A phone with one account and at most one call, on JsSIP. */
export class Phone {
  readonly #remote: HTMLAudioElement;
  readonly #watch: (state: PhoneState) => void;
  #state: PhoneState = start;
  #account: Account | undefined;
  #ua: UA | undefined;
  #session: CallSession | undefined;
  readonly #buddies: Buddies;
  #publication: Publication | undefined;

  /** @param watch is told of every change */
  constructor(remote: HTMLAudioElement, buddies: Buddies, watch: (state: PhoneState) => void) {
    this.#remote = remote;
    this.#buddies = buddies;
    this.#watch = watch;
  }

  /** What the user says he is up to; "" for nothing in particular. */
  say(activity: string): void {
    this.#publication?.say(activity);
  }

  /** The user lets somebody watch him, or does not: he says so with his password, since it holds on all of his phones. */
  async decide(watcher: string, permission: "allow" | "block"): Promise<void> {
    if (this.#account === undefined) return;
    const { address, password } = this.#account;
    const [username = "", domain = ""] = address.split("@");
    const parts = ["domains", domain, "subscribers", username, "watchers", watcher].map(encodeURIComponent);
    const credentials = btoa(String.fromCharCode(...new TextEncoder().encode(`${username}:${password}`)));
    const answer = await fetch(`/api/v1/${parts.join("/")}`, {
      method: "PUT",
      headers: { Authorization: `Basic ${credentials}`, "Content-Type": "application/json" },
      body: JSON.stringify({ permission }),
    });
    if (!answer.ok) this.#change({ notice: `The server did not take that (${answer.status})` });
  }

  /** The call there is. */
  get session(): CallSession | undefined {
    return this.#session;
  }

  register(account: Account, log: Log): void {
    this.unregister();
    try {
      this.#ua = userAgent(account, log);
    } catch (error) {
      if (!(error instanceof Exceptions.ConfigurationError)) throw error;
      return this.#connection("failed", `"${account.address}" is not an address`);
    }
    this.#account = account;
    this.#publication = new Publication(this.#ua, account.address);
    this.#follow(this.#ua, account);
    this.#connection("connecting", "Connecting…");
    this.#ua.start();
  }

  unregister(): void {
    const ua = this.#ua;
    this.#ua = undefined;
    this.#publication?.end();
    this.#buddies.signedOut();
    ua?.stop();
    this.#connection("offline", "Not connected");
  }

  /** @param target an address, or a user name of our own domain */
  call(target: string): void {
    if (this.#session !== undefined || this.#ua === undefined) return;
    try {
      this.#ua.call(target, { mediaConstraints: { audio: true, video: false }, pcConfig: this.#ice() });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#change({ notice: `"${target}" cannot be called: it is neither an address nor a user name` });
    }
  }

  /** What a phone that was signed out still has to say is not heard. */
  #follow(ua: UA, account: Account): void {
    const whileSignedIn =
      <Event>(listener: (event: Event) => void) =>
      (event: Event) => {
        if (ua === this.#ua) listener(event);
      };
    const registered = () => {
      this.#change({ connection: { kind: "registered", address: account.address } });
      this.#buddies.registered(ua, account.address);
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
    const wasRegistered = this.#state.connection.kind === "registered";
    const what = wasRegistered ? "Reconnecting: the connection was lost" : "Trying again: the server cannot be reached";
    this.#connection("connecting", reason ? `${what} (${reason})` : what);
    this.#session?.connectionLost();
  }

  #refused(ua: UA, { response, cause }: UnRegisteredEvent): void {
    const { status_code: status, reason_phrase: reason = cause ?? "no answer" } = (response as typeof response | null) ?? {};
    const isPassing = status === undefined || status >= 500;
    if (!isPassing) this.unregister();
    this.#connection(isPassing ? "connecting" : "failed", describeRefusal(status, reason));
    const seconds = Number.parseInt(response?.getHeader("Retry-After") ?? "", 10) || retryAfter;
    setTimeout(() => {
      if (ua === this.#ua && this.#state.connection.kind === "connecting") ua.register();
    }, seconds * 1000);
  }

  /** One call at a time: who calls meanwhile hears that we are busy. */
  #newSession(session: RTCSession): void {
    if (this.#session !== undefined) {
      this.#change({ notice: `${peerOf(session)} called meanwhile, and heard that you are busy` });
      return session.terminate({ status_code: 486, reason_phrase: "Busy Here" });
    }
    this.#change({ notice: "" });
    this.#session = new CallSession(
      session,
      { remote: this.#remote, ice: this.#ice() },
      {
        changed: (call) => this.#change({ call }),
        ended: (notice) => {
          this.#session = undefined;
          this.#change({ call: undefined, notice });
        },
      },
    );
  }

  #ice(): RTCConfiguration {
    return { iceServers: (this.#account?.ice ?? []).map((urls) => ({ urls })) };
  }

  #connection(kind: "offline" | "connecting" | "failed", why: string): void {
    this.#change({ connection: { kind, why } });
  }

  #change(changes: Partial<PhoneState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#watch(this.#state);
  }
}

function userAgent(account: Account, log: Log): UA {
  return new UA({
    sockets: logged(new WebSocketInterface(socketUrl(account)), log),
    uri: `sip:${account.address}`,
    password: account.password,
    instance_id: instanceOfTab(),
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 10,
    session_timers: false,
  });
}
